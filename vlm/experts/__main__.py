"""`python -m vlm.experts FILE...`: prints what the detector and the reader find, in words."""

import argparse
import json
import sys
from pathlib import Path

import torch

from vlm.experts.detection.detector import WEIGHTS, load_detector
from vlm.experts.experts import Experts
from vlm.experts.film import film_lines, film_summary
from vlm.experts.reading.reader import Reader, ReaderMissingError
from vlm.experts.words import still_looks
from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_image, read_video


def parser() -> argparse.ArgumentParser:
    """Builds the parser."""
    made = argparse.ArgumentParser(
        "python -m vlm.experts",
        description="Prints what a detector (things, counts, places, colors) and a reader (text)\n"
        "find in images and videos, in the words a language model would be given: one line\n"
        "per look at an image, or per frame of a video.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="images or videos")
    made.add_argument("--looks", type=int, default=4, help="looks per image (default 4)")
    made.add_argument("--words", type=int, default=24, help="words of text per look (default 24)")
    made.add_argument("--frames", type=int, default=8, help="frames per video (default 8)")
    made.add_argument("--no-text", action="store_true", help="do not read text")
    made.add_argument("--json", action="store_true", help="print one JSON object per file")
    return made


def lines_of(path: Path, experts: Experts, args: argparse.Namespace) -> list[str]:
    """Returns the lines of one file, one per look or frame."""
    if probe(path).kind == "image":
        frames = torch.from_numpy(read_image(path).pixels)[None]
        return still_looks(experts(frames)[0], args.looks, args.words)
    frames = torch.from_numpy(read_video(path, num_frames=args.frames).frames)
    findings = experts(frames)
    return [*film_lines(findings, args.words), film_summary(findings)]


def main(arguments: list[str] | None = None) -> int:
    """Prints the lines of every file; returns 2 if one could not be used."""
    args = parser().parse_args(arguments)
    code = 0
    try:
        experts = Experts(load_detector(WEIGHTS), None if args.no_text else Reader())
    except ReaderMissingError as error:
        print(f"{error} Or add --no-text.", file=sys.stderr)
        return 2
    for path in map(Path, args.files):
        try:
            lines = lines_of(path, experts, args)
        except MediaError as error:
            print(error, file=sys.stderr)
            code = 2
            continue
        if args.json:
            print(json.dumps({"file": str(path), "lines": lines}, ensure_ascii=False))
        else:
            print(path, *(line for line in lines if line), sep="\n  ")
    return code


if __name__ == "__main__":
    sys.exit(main())
