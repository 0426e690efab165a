"""`python -m evaluation score`: table, results.json and report.html from the logs of a run.

Loads neither a model nor torch.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.benchmarks.base import Benchmark
from evaluation.json_files import replace_file, write_json
from evaluation.reports.html_report import html_report
from evaluation.reports.scoring import Scored, results, run_folders, scored
from evaluation.reports.tables import breakdown, speed, table
from evaluation.runs.speed import sessions_of

RESULTS = "results.json"
PAGE = "report.html"


def write_report(root: Path, items: Sequence[Scored]) -> list[str]:
    """Writes results.json and report.html into `root`; returns the lines of the table."""
    found = [results(item) for item in items]
    write_json(root / RESULTS, {"benchmarks": {one["benchmark"]: one for one in found}})
    replace_file(root / PAGE, [html_report(root, items, found).encode("utf-8", "replace")])
    lines = table(found)
    for item, one in zip(items, found, strict=True):
        lines += breakdown(one)
        if further := item.benchmark.tables(item.answered):
            lines += ["", *further]
        if sessions := sessions_of(item.folder):
            lines += ["", speed(one["title"], sessions[-1])]
    return [*lines, "", f"Results: {root / RESULTS}", f"Report:  {root / PAGE}"]


def score_folder(folder: Path, mode: str | None = None) -> int:
    """Scores the logs below a folder again. Returns the exit code."""
    folders = run_folders(folder)
    root = folder.resolve().parent if folders == [folder] else folder
    items = score_run(root, mode)
    return 1 if any(item.state == "partial" for item in items) else 0


def score_run(root: Path, mode: str | None) -> list[Scored]:
    """Scores a run, writes its files and prints its table."""
    items = [scored(folder, mode) for folder in run_folders(root)]
    check_mode(mode, [item.benchmark for item in items])
    sys.stdout.write("\n".join(write_report(root, items)) + "\n")
    return items


def check_mode(mode: str | None, benchmarks: Sequence[Benchmark]) -> None:
    """Raises ValueError if none of the benchmarks has this extraction mode."""
    known = list(dict.fromkeys(name for one in benchmarks for name in one.modes))
    if mode is not None and mode not in known:
        raise ValueError(f"there is no mode {mode!r} here; known are {', '.join(known)}.")
