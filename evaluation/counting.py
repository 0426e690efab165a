"""From the logs of a run to its table and files; neither torch nor a model is loaded."""

import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.benchmarks.base import Benchmark
from evaluation.report import report
from evaluation.scoring import Scored, run_folders, scored


def score_folder(folder: Path, mode: str | None = None) -> int:
    """Counts again from the logs below a folder. Returns the exit code."""
    folders = run_folders(folder)
    root = folder.resolve().parent if folders == [folder] else folder
    items = counted(root, mode)
    return 1 if any(item.state == "partial" for item in items) else 0


def counted(root: Path, mode: str | None) -> list[Scored]:
    """Scores a run, writes its files, prints its table."""
    items = [scored(folder, mode) for folder in run_folders(root)]
    check_mode(mode, [item.benchmark for item in items])
    sys.stdout.write("\n".join(report(root, items)) + "\n")
    return items


def check_mode(mode: str | None, benchmarks: Sequence[Benchmark]) -> None:
    """ValueError if none of the benchmarks has this way of reading."""
    known = list(dict.fromkeys(name for one in benchmarks for name in one.modes))
    if mode is not None and mode not in known:
        raise ValueError(f"there is no mode {mode!r} here; known are {', '.join(known)}.")
