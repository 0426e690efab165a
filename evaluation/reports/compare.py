"""Do two runs differ? Question by question on what both answered, with an interval."""

from pathlib import Path

from evaluation.reports.scoring import PERCENT, Scored, run_folders, scored, units
from evaluation.reports.statistics import Paired, Unit, paired
from evaluation.runs.manifest import differences


def compare(first: Path, second: Path, mode: str | None = None) -> list[str]:
    """Lines for a reader, one paragraph for each benchmark that both runs have.

    ValueError if they have none in common.
    """
    ours = {item.benchmark.name: item for item in (scored(f, mode) for f in run_folders(first))}
    theirs = {item.benchmark.name: item for item in (scored(f, mode) for f in run_folders(second))}
    common = [name for name in ours if name in theirs]
    if not common:
        raise ValueError(f"{first} and {second} have no benchmark in common.")
    lines = [f"A is {first}, B is {second}. Differences are B minus A, in percent points."]
    for name in common:
        lines += ["", *_one(ours[name], theirs[name])]
    return lines


def compared(a: Scored, b: Scored) -> Paired:
    """What B differs by from A. ValueError where nothing was answered by both."""
    rows_a = {row["id"]: row for row in a.answered}
    rows_b = {row["id"]: row for row in b.answered}
    ids = [name for name in rows_a if name in rows_b]
    of_a = units(a.benchmark, [rows_a[name] for name in ids], a.mode)
    of_b = units(b.benchmark, [rows_b[name] for name in ids], b.mode)
    first: dict[str, Unit] = {}
    second: dict[str, Unit] = {}
    for place, (one, other) in enumerate(zip(of_a, of_b, strict=True)):
        if one is not None and other is not None:
            first[str(place)], second[str(place)] = one, other
    return paired(first, second)


def _one(a: Scored, b: Scored) -> list[str]:
    name = f"{a.benchmark.title} ({a.mode})"
    try:
        found = compared(a, b)
    except ValueError as error:
        return [f"{name}: {error}"]
    change = found.difference.scaled(PERCENT)
    assert change.value is not None
    lines = [
        f"{name}: A {found.first * PERCENT:.2f}, B {found.second * PERCENT:.2f}"
        f" on {change.n:,} questions both answered."
    ]
    if change.interval is None or change.standard_error is None:
        lines.append(
            f"  {change.value:+.2f}; one video or document is too few to say how sure that is."
        )
    else:
        low, high = change.interval
        lines.append(
            f"  {change.value:+.2f}, standard error {change.standard_error:.2f},"
            f" 95 % interval {low:+.2f} to {high:+.2f}"
        )
        verdict = "B is better." if change.value > 0 else "A is better."
        lines.append(
            f"  {verdict} The interval leaves zero out."
            if found.differ
            else "  They cannot be told apart: the interval holds zero."
        )
    lines.append(
        f"  Only A was better on {found.only_first:,}, only B on {found.only_second:,} questions."
    )
    unlike = list(differences(a.identity, b.identity))
    if unlike:
        lines.append("  They were made differently (A, here B): " + "; ".join(unlike[:8]) + ".")
    return lines
