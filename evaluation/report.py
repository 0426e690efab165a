"""What a run found: a table for the terminal, results.json, and one page to look at."""

from collections.abc import Sequence
from pathlib import Path

from evaluation.log import write_json, write_whole
from evaluation.page import page
from evaluation.scoring import Scored, results
from evaluation.speed import sessions_of
from evaluation.tables import breakdown, speed, table

RESULTS = "results.json"
PAGE = "report.html"


def report(root: Path, items: Sequence[Scored]) -> list[str]:
    """Writes results.json and report.html into `root`; returns the table as lines."""
    found = [results(item) for item in items]
    write_json(root / RESULTS, {"benchmarks": {one["benchmark"]: one for one in found}})
    write_whole(root / PAGE, [page(root, items, found).encode("utf-8", "replace")])
    lines = table(found)
    for item, one in zip(items, found, strict=True):
        lines += breakdown(one)
        if further := item.benchmark.tables(item.answered):
            lines += ["", *further]
        if sessions := sessions_of(item.folder):
            lines += ["", speed(one["title"], sessions[-1])]
    return [*lines, "", f"Numbers: {root / RESULTS}", f"Page:    {root / PAGE}"]
