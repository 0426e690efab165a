"""`python -m vlm.experts FILE...`: prints what the experts find, in words, and what each costs."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vlm.ending import end
from vlm.experts.classifier import base_classifier
from vlm.experts.detection.detector import WEIGHTS, load_detector
from vlm.experts.drawing.drawings import drawings
from vlm.experts.experts import Experts
from vlm.experts.film import film_lines, film_summary
from vlm.experts.options import add_experts, expert_names
from vlm.experts.reading.reader import Reader, ReaderMissingError
from vlm.experts.words import of_still, still_looks
from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe, read_image, read_video


class Timed:
    """An expert that counts its seconds."""

    def __init__(self, expert: Callable[..., Any]) -> None:
        self.expert = expert
        self.seconds = 0.0

    def __call__(self, *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return self.expert(*args)
        finally:
            self.seconds += time.perf_counter() - started


def parser() -> argparse.ArgumentParser:
    """Builds the parser."""
    made = argparse.ArgumentParser(
        "python -m vlm.experts",
        description="Prints what a classifier (kinds), a detector (things with number, place and\n"
        "color), an expert for flat drawings (shapes) and a reader (text) find in images and\n"
        "videos, in the words that a language model reads: one line per look at an image, or\n"
        "per frame of a video.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="images or videos")
    made.add_argument("--looks", type=int, default=4, help="looks per image (default 4)")
    made.add_argument("--words", type=int, default=24, help="words of text per look (default 24)")
    made.add_argument("--frames", type=int, default=8, help="frames per video (default 8)")
    add_experts(made, default="things,shapes,text", otherwise="things,shapes,text")
    made.add_argument("--time", action="store_true", help="print the seconds of each expert")
    made.add_argument("--json", action="store_true", help="print one JSON object per file")
    return made


def load_experts(names: tuple[str, ...]) -> dict[str, Timed]:
    """Loads the experts with these names. Raises ReaderMissingError without the reader."""
    loaders: dict[str, Callable[[], Callable[..., Any]]] = {
        "kinds": base_classifier,
        "things": lambda: load_detector(WEIGHTS),
        "shapes": lambda: drawings,
        "text": Reader,
    }
    return {name: Timed(loaders[name]()) for name in names}


def lines_of(path: Path, timed: dict[str, Timed], args: argparse.Namespace) -> list[str]:
    """Returns the lines of one file, one per look or frame."""
    experts = Experts(*map(timed.get, ("things", "text", "kinds", "shapes")))
    if probe(path).kind == "image":
        frames = torch.from_numpy(read_image(path).pixels)[None]
        return still_looks(of_still(experts(frames)[0]), args.looks, args.words)
    frames = torch.from_numpy(read_video(path, num_frames=args.frames).frames)
    findings = experts(frames)
    return [*film_lines(findings, args.words), film_summary(findings)]


def main(arguments: list[str] | None = None) -> int:
    """Prints the lines of every file; returns 2 if one could not be used."""
    args = parser().parse_args(arguments)
    code = 0
    try:
        timed = load_experts(expert_names(args.experts) or ())
    except (ValueError, ReaderMissingError) as error:
        print(error, file=sys.stderr)
        return 2
    for path in map(Path, args.files):
        for expert in timed.values():
            expert.seconds = 0.0
        try:
            lines = lines_of(path, timed, args)
        except (MediaError, ReaderMissingError) as error:
            print(error, file=sys.stderr)
            code = 2
            continue
        seconds = {name: round(expert.seconds, 3) for name, expert in timed.items()}
        if args.json:
            record = {"file": str(path), "lines": lines, "seconds": seconds}
            print(json.dumps(record, ensure_ascii=False))
            continue
        print(path, *(line for line in lines if line), sep="\n  ")
        if args.time:
            print(f"  Seconds: {', '.join(f'{name} {s:.2f}' for name, s in seconds.items())}")
    return code


if __name__ == "__main__":
    end(main)
