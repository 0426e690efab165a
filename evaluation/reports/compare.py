"""`python -m evaluation compare`: a paired comparison of two runs, with an interval."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.reports.pooled import Pooled, difference_pooled
from evaluation.reports.scoring import PERCENT, Scored, run_folders, scored, units
from evaluation.reports.statistics import Paired, Unit, paired
from evaluation.runs.manifest import differences
from vlm.plural import plural


def compare(first: Path, second: Path, mode: str | None = None) -> tuple[list[str], bool]:
    """Returns lines of text, one paragraph per benchmark of both runs, and whether all compare.

    Raises ValueError if none can be compared.
    """
    runs_a = {item.benchmark.name: item for item in (scored(f, mode) for f in run_folders(first))}
    runs_b = {item.benchmark.name: item for item in (scored(f, mode) for f in run_folders(second))}
    common = [name for name in runs_a if name in runs_b]
    if not common:
        raise ValueError(
            f"{first} and {second} have no benchmark in common; run the same one with both."
        )
    lines = [f"A is {first}, B is {second}. Differences are B minus A, in percentage points."]
    refused = []
    for name in common:
        try:
            lines += ["", *_paragraph(runs_a[name], runs_b[name])]
        except ValueError as error:
            refused.append(str(error))
            lines += ["", refused[-1]]
    if len(refused) == len(common):
        raise ValueError(" ".join(refused))
    return lines, not refused


def paired_runs(a: Scored, b: Scored) -> Paired:
    """Pairs two runs on the questions both answered. Raises ValueError if there are none."""
    rows_a = {row["id"]: row for row in a.answered}
    rows_b = {row["id"]: row for row in b.answered}
    ids = [name for name in rows_a if name in rows_b]
    common_a, common_b = [rows_a[name] for name in ids], [rows_b[name] for name in ids]
    if ids and (whole := a.benchmark.pooled(common_a, a.mode)) is not None:
        whole_b = b.benchmark.pooled(common_b, b.mode)
        assert whole_b is not None, "both runs are of one benchmark"
        scores = [
            (x["score"].get(a.mode), y["score"].get(b.mode))
            for x, y in zip(common_a, common_b, strict=True)
        ]
        return _paired_metric(whole, whole_b, scores)
    of_a = units(a.benchmark, common_a, a.mode)
    of_b = units(b.benchmark, common_b, b.mode)
    first: dict[str, Unit] = {}
    second: dict[str, Unit] = {}
    for position, (one, other) in enumerate(zip(of_a, of_b, strict=True)):
        if one is not None and other is not None:
            first[str(position)], second[str(position)] = one, other
    return paired(first, second)


def _paired_metric(
    first: Pooled, second: Pooled, scores: Sequence[tuple[float | None, float | None]]
) -> Paired:
    """Pairs a metric of whole sets; `scores` are those of single questions in both runs."""
    ones = np.ones(len(first.groups), dtype=np.int64)
    changes = [y - x for x, y in scores if x is not None and y is not None]
    return Paired(
        difference_pooled(first, second),
        first.value(ones),
        second.value(ones),
        sum(change < 0 for change in changes),
        sum(change > 0 for change in changes),
    )


def _hint(a: Scored, b: Scored) -> str:
    """Names the mode "clean" if it can compare runs that the mode of the headline cannot."""
    if "clean" in a.benchmark.modes and a.mode != "clean":
        try:
            paired_runs(replace(a, mode="clean"), replace(b, mode="clean"))
        except ValueError:
            return ""
        return f" The mode {a.mode} extracts no common answers, but --mode clean does."
    return ""


def _paragraph(a: Scored, b: Scored) -> list[str]:
    name = f"{a.benchmark.title} ({a.mode})"
    try:
        found = paired_runs(a, b)
    except ValueError as error:
        raise ValueError(f"{name}: {error}{_hint(a, b)}") from None
    change = found.difference.scaled(PERCENT)
    assert change.value is not None
    lines = [
        f"{name}: A {found.first * PERCENT:.2f}, B {found.second * PERCENT:.2f}"
        f" on {plural(change.n, 'question')} that both answered."
    ]
    if change.interval is None or change.standard_error is None:
        lines.append(f"  {change.value:+.2f}; a single video or document gives no error estimate.")
    else:
        low, high = change.interval
        lines.append(
            f"  {change.value:+.2f}, standard error {change.standard_error:.2f},"
            f" 95 % interval {low:+.2f} to {high:+.2f}"
        )
        verdict = "B is better." if change.value > 0 else "A is better."
        lines.append(
            f"  {verdict} The interval excludes zero."
            if found.differ
            else "  No difference found: the interval includes zero."
        )
    lines.append(
        f"  Only A was better on {found.only_first:,},"
        f" only B on {plural(found.only_second, 'question')}."
    )
    unlike = list(differences(a.identity, b.identity))
    if unlike:
        lines.append("  Their settings differ (A, here B): " + "; ".join(unlike[:8]) + ".")
    return lines
