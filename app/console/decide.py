"""`python -m app decide`: probabilities of given answers in place of prose, also over time."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.console.ask import settings_from, split_items
from app.console.labeled import fit_file
from app.decisions import Decision, is_step, windows
from app.sanitize import for_terminal
from vlm.assistant import Assistant, Decided, MediaSource, Settings, State
from vlm.inference.calibration import Calibration
from vlm.media.confined.limits import MediaError
from vlm.media.decode import probe

POLL = 1.0  # seconds between looks at a growing file


@dataclass(frozen=True)
class Asked:
    """A question whose answers are given, and the model that it is put to."""

    assistant: Assistant
    question: str
    decision: Decision
    settings: Settings
    calibration: Calibration | None

    def about(self, source: MediaSource) -> dict[str, Any]:
        """Returns the record of the decision about a file or a part of it."""
        options = self.decision.options
        *_, last = self.assistant.decide(State(), self.question, options, [source], self.settings)
        assert isinstance(last, Decided)
        return self.decision.answer(last, self.calibration)


def decide(args: argparse.Namespace, load: Callable[[], Assistant]) -> int:
    """Runs the command; returns the exit code."""
    settings = settings_from(args)
    if args.fit:
        if not args.calibration:
            raise ValueError("--fit needs --calibration FILE, which it writes.")
        _write(fit_file(Path(args.fit), Path(args.calibration), load(), settings))
        return 0
    calibration = Calibration.load(Path(args.calibration)) if args.calibration else None
    decision = decision_of(args)
    names, question = split_items(args.items, to_come=args.follow)
    if question is None or len(names) != 1:
        raise ValueError('give one file and a question: decide clip.mp4 "Is the door open?"')
    if args.every is not None and not 0.1 <= args.every <= 3600:
        raise ValueError(f"--every is {args.every}; it must be from 0.1 to 3600 seconds.")
    if args.follow and args.every is None:
        args.every = 1.0
    path = Path(names[0])
    if args.threshold is not None and not 0 < args.threshold < 1:
        raise ValueError(f"--threshold is {args.threshold}; it must be between 0 and 1.")
    if args.follow:
        steps = followed(path, args.every, args.wait)
        _series(Asked(load(), question, decision, settings, calibration), path, steps, args)
        return 0
    info = probe(path)  # before the model is loaded
    if args.every is not None and info.kind != "video":
        raise ValueError(f"{path.name} is a picture; --every and --follow need a video.")
    asked = Asked(load(), question, decision, settings, calibration)
    if args.every is None:
        record = asked.about(MediaSource(path))
        _write(json.dumps(record) if args.json else line_of(record))
    else:
        _series(asked, path, iter(windows(info.duration, args.every)), args)
    return 0


def _series(
    asked: Asked, path: Path, steps: Iterator[tuple[float, float]], args: argparse.Namespace
) -> None:
    """Prints a decision for each step; one that rises to the threshold is an alert."""
    above = False
    for start, end in steps:
        record = asked.about(MediaSource(path, start=start, end=end))
        record |= {"start": start, "end": end}
        if args.threshold is not None:
            was, above = above, record["probability"] >= args.threshold
            record["alert"] = above and not was
        _write(json.dumps(record) if args.json else _timed_line(record))


def decision_of(args: argparse.Namespace) -> Decision:
    """Returns what the options choose between; without any, yes and no."""
    if args.options and args.score:
        raise ValueError("give --options or --score, not both.")
    if args.options:
        return Decision.of("choice", [option.strip() for option in args.options.split(",")])
    if args.score:
        return Decision.of("score", (), *args.score)
    return Decision.of("yes_no")


def followed(
    path: Path, every: float, wait: float, poll: float = POLL
) -> Iterator[tuple[float, float]]:
    """Yields the steps of a growing film as they come, each once it is there whole.

    Ends when nothing more of the file could be read for `wait` seconds; then comes what is left, if
    it is half a step or more. Raises MediaError if its end cannot be read, ValueError if it has not
    appeared.
    """
    done, size, rested, duration = 0, -1, 0.0, 0.0
    trouble: ValueError | None = ValueError(f"{path.name} has not appeared within {wait:g} s.")
    while rested < wait:
        now = path.stat().st_size if path.exists() else -1
        if now != size:
            size = now
            try:
                duration, trouble, rested = probe(path).duration, None, 0.0
            except MediaError as error:  # written to at this moment, perhaps
                trouble, duration = error, 0.0
            while (done + 1) * every <= duration:
                yield done * every, (done + 1) * every
                done += 1
        rested += poll
        time.sleep(poll)
    if trouble is not None:
        raise trouble
    if is_step(duration - done * every, every):
        yield done * every, duration


def line_of(record: dict[str, Any]) -> str:
    """Formats a record for people: each answer with its probability."""
    shares = record["probabilities"].items()
    line = "  ".join(f"{for_terminal(option)} {share:.3f}" for option, share in shares)
    if "expected" in record:
        line = f"expected {record['expected']:.2f}  {line}"
    return line


def _timed_line(record: dict[str, Any]) -> str:
    line = f"{record['start']:8.1f} s  {line_of(record)}"
    return f"{line}  ALERT" if record.get("alert") else line


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
