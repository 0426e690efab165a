"""Finds when something happens in films, with an encoder that has a text side."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from app.console.clips import NamedClip, find_clips
from app.console.find_strip import MOST_ROWS, write_strip
from app.console.found import Found
from app.console.progress_line import ProgressLine
from app.frame_strip import clock
from app.sanitize import for_terminal
from vlm.fit.hardware import checked_device
from vlm.heads.film import Progress, film_scores
from vlm.heads.folder import LoadedVideoText, load_encoder_with_heads
from vlm.heads.segments import frame_edges, segments_above
from vlm.heads.where import Box, box_at, can_locate
from vlm.media.decode import MediaReader

FOUND, FOUND_NOTHING, BAD_INPUT = 0, 1, 2
TENTHS = "▁▂▃▄▅▆▇█"


def find(args: argparse.Namespace) -> int:
    """Looks through all films. Returns the exit code."""
    *names, words = args.items
    _check(args, names, words)
    clips = [] if args.follow else find_clips(names)
    loaded = load_encoder_with_heads(args.encoder)
    loaded.model.to(checked_device(args.device))
    loaded.model.embed_text([words])  # words that cannot be read are refused at once
    if args.follow:
        from app.console.follow import follow

        return follow(loaded, names[0], words, args)
    quiet = args.quiet or not sys.stderr.isatty()
    with MediaReader() as reader, ProgressLine(sys.stderr, quiet) as line:
        found = list(_each(loaded, clips, words, reader, args, line))
    if args.strip and found:
        write_strip(args.strip, found, words, args.threshold)
    if not args.quiet:
        sys.stderr.write(for_terminal(_summary(found, len(clips), args)))
    if not found:
        return BAD_INPUT
    return FOUND if any(one.segments for one in found) else FOUND_NOTHING


def _each(
    loaded: LoadedVideoText,
    clips: Sequence[NamedClip],
    words: str,
    reader: MediaReader,
    args: argparse.Namespace,
    line: ProgressLine,
) -> Iterator[Found]:
    """Prints what is found in each film as soon as it is known, or why it cannot be read."""
    for number, clip in enumerate(clips, 1):

        def progress(done: int, total: int, number: int = number, name: str = clip.name) -> None:
            line.phase(f"Looking through {name} ({number} of {len(clips)}): {done / total:.0%}")

        try:
            one = _one(loaded, clip, words, reader, args, progress)
        except ValueError as error:
            line.clear()
            sys.stderr.write(for_terminal(str(error)) + "\n")
            continue
        line.clear()
        sys.stdout.write(_as_json(one, words) if args.json else _as_text(one))
        sys.stdout.flush()
        yield one


def _summary(found: Sequence[Found], number: int, args: argparse.Namespace) -> str:
    """What all films together have, and where the strip is; nothing about a single film."""
    sentences = ""
    if number > 1 and found:
        best = max(found, key=lambda one: one.best[1])
        count = sum(bool(one.segments) for one in found)
        second, score = best.best
        at = f" at {clock(second)}" if best.film.duration else ""
        sentences += (
            f"Found in {count} of {number} files; the best is {best.name}{at}, {score:.2f}.\n"
        )
    if args.strip and found:
        best_of = f" of the {MOST_ROWS} best" if len(found) > MOST_ROWS else ""
        sentences += f"The strip{best_of} is in {args.strip}.\n"
    return sentences


def _check(args: argparse.Namespace, names: list[str], words: str) -> None:
    if not names:
        raise ValueError("give films, and then what to look for in quotes.")
    if os.path.exists(words):
        raise ValueError(f"{words} is a file; what to look for comes last, in quotes.")
    if args.every <= 0 or args.wait <= 0 or args.top < 1:
        raise ValueError("--every, --wait and --top must be above 0.")
    if not 0 <= args.threshold <= 1:
        raise ValueError(f"--threshold is {args.threshold}; it must be 0 to 1.")
    if args.follow and (len(names) > 1 or args.strip):
        raise ValueError("--follow takes one file or -, and makes no strip.")
    if args.strip and not args.strip.absolute().parent.is_dir():
        raise ValueError(f"{args.strip} cannot be written: {args.strip.parent} is not a folder.")
    if args.strip and args.strip.is_dir():
        raise ValueError(f"{args.strip} cannot be written: it is a folder; name a PNG file.")


def _one(
    loaded: LoadedVideoText,
    clip: NamedClip,
    words: str,
    reader: MediaReader,
    args: argparse.Namespace,
    progress: Progress,
) -> Found:
    """Looks through one film; raises MediaError if it cannot be read."""
    film = film_scores(loaded, clip.path, [words], args.every, reader, progress=progress)
    scores = film.scores[:, 0]
    edges = frame_edges(film.times, film.duration)
    segments = sorted(segments_above(scores, edges, args.threshold), key=lambda s: -s.score)
    found = Found(clip.name, clip.path, film, tuple(segments[: args.top]))
    if not can_locate(loaded) or not film.duration:
        return found
    boxes = [
        box_at(loaded, clip.path, found.peak(segment), args.every, words, reader)
        for segment in found.segments
    ]
    return replace(found, boxes=tuple(boxes))


def _as_text(one: Found) -> str:
    if not one.film.duration:
        below = "" if one.segments else ", which is below the threshold"
        return for_terminal(f"{one.name}  {one.best[1]:.2f}{below}") + "\n"
    lines = [
        f"{one.name}  {sparkline(one.film.scores[:, 0])}  0:00.0 to {clock(one.film.duration)}"
    ]
    boxes = one.boxes or (None,) * len(one.segments)
    for segment, box in zip(one.segments, boxes, strict=True):
        where = "" if box is None else f"  {_spoken(box)}"
        lines.append(
            f"  {clock(segment.start)} to {clock(segment.end)}  {segment.score:.2f}{where}"
        )
    if not one.segments:
        second, score = one.best
        lines.append(
            f"  nothing above the threshold; the best moment is {clock(second)}  {score:.2f}"
        )
    return "".join(for_terminal(line) + "\n" for line in lines)


def _spoken(box: Box) -> str:
    """Returns a box in percent of the width (x) and the height (y)."""
    edges = (box.left, box.right, box.top, box.bottom)
    return "x {:.0f}-{:.0f}%  y {:.0f}-{:.0f}%".format(*(100 * edge for edge in edges))


def _segment(one: Found, number: int) -> dict[str, Any]:
    """A segment as JSON: with its peak and, of an encoder with masks, the box there or null."""
    segment = one.segments[number]
    entry: dict[str, Any] = {"start": segment.start, "end": segment.end, "score": segment.score}
    entry["peak"] = one.peak(segment)
    entry = _rounded(entry)
    if one.boxes:
        box = one.boxes[number]
        entry["box"] = None if box is None else _rounded(asdict(box))
    return entry


def _rounded(values: Mapping[str, float]) -> dict[str, Any]:
    """Seconds, scores and shares without the digits that binary fractions add."""
    return {name: round(value, 6) for name, value in values.items()}


def _as_json(one: Found, words: str) -> str:
    second, score = one.best
    entry = {
        "file": str(one.path),
        "words": words,
        "duration": round(one.film.duration, 6),
        "segments": [_segment(one, number) for number in range(len(one.segments))],
        "best": _rounded({"time": second, "score": score}),
        "times": [round(time, 6) for time in one.film.times],
        "scores": [round(float(value), 6) for value in one.film.scores[:, 0]],
    }
    return json.dumps(entry) + "\n"


def sparkline(scores: np.ndarray, width: int = 40) -> str:
    """Scores 0 to 1 over time as blocks, the highest of each part."""
    parts = np.array_split(scores, min(width, len(scores)))
    return "".join(TENTHS[min(7, int(8 * float(part.max())))] for part in parts)
