"""Formats the findings of `data.checks.check` for a terminal and as JSON."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from data.checks.check import Findings
from vlm.plural import plural

BARS, WIDTH = 10, 40  # of the histogram: rows, and the longest bar in characters
MAX_PROBLEMS = 20  # printed unless all are requested

PROBLEM_KINDS = {
    "malformed": "lines that are not records as in docs/data.md",
    "blank": "records with an empty answer",
    "unlearnable": "records without an answer to learn",
    "long": "records longer than the context",
    "missing": "media that are missing",
    "unreadable": "media that cannot be read",
    "tag": "texts that look like tags of another format",
    "duplicate": "duplicate conversations",
}


def format_report(findings: Findings, measured_with: str, all_problems: bool = False) -> str:
    """Returns the report as text."""
    lines = []
    for file, count in findings.files.items():
        lines.append(f"{file}: {plural(count, 'record')}")
    usable = sum(findings.shows.values())
    form = f"{plural(usable, 'record')} in the right format"
    system = f"{findings.num_with_system:,} with a system message"
    lines += ["", f"{form}, {plural(findings.num_answers, 'answer')}, {system}"]
    if findings.num_without_loss:
        number = findings.num_without_loss
        lines.append(f"{plural(number, 'answer')} excluded from the loss, read as context only")
    if findings.shows:
        lines += ["", "media per record", *_table(findings.shows)]
        turns = Counter({plural(n, "answer"): findings.turns[n] for n in sorted(findings.turns)})
        lines += ["", "answers per record", *_table(turns, by_count=False)]
    if findings.lengths:
        lines += ["", f"tokens per record, {measured_with}", *_histogram(findings.lengths)]
    lines += ["", *_problems(findings, all_problems)]
    return "\n".join(lines)


def as_json(findings: Findings) -> dict[str, Any]:
    """Returns the findings as a JSON-ready dict."""
    return {
        "files": dict(findings.files),
        "num_records": findings.num_records,
        "num_answers": findings.num_answers,
        "num_without_loss": findings.num_without_loss,
        "num_with_system": findings.num_with_system,
        "shows": dict(findings.shows),
        "turns": {str(turns): count for turns, count in sorted(findings.turns.items())},
        "media": dict(findings.media),
        "lengths": _quantiles(findings.lengths) if findings.lengths else {},
        "problem_counts": dict(Counter(problem.kind for problem in findings.problems)),
        "problems": [asdict(problem) for problem in findings.problems],
    }


def _problems(findings: Findings, all_problems: bool) -> list[str]:
    problems = findings.problems
    if not problems:
        return ["No problems."]
    counts = Counter(problem.kind for problem in problems)
    lines = [f"{plural(len(problems), 'problem')}:"]
    lines += [
        f"  {counts[kind]:>7,}  {text}" for kind, text in PROBLEM_KINDS.items() if counts[kind]
    ]
    printed = problems if all_problems else problems[:MAX_PROBLEMS]
    lines += ["", *(f"{problem.where}: {problem.text}" for problem in printed)]
    if len(printed) < len(problems):
        lines.append(f"... and {len(problems) - len(printed):,} more (--all prints them)")
    return lines


def _table(counts: Counter[str], by_count: bool = True) -> list[str]:
    total = sum(counts.values())
    rows = counts.most_common() if by_count else list(counts.items())
    return [f"  {name:<20} {n:>9,}  {100 * n / total:5.1f} %" for name, n in rows]


def _quantiles(lengths: list[int]) -> dict[str, int]:
    ordered = sorted(lengths)
    last = len(ordered) - 1
    names = {"shortest": 0.0, "median": 0.5, "p95": 0.95, "longest": 1.0}
    found = {name: ordered[round(share * last)] for name, share in names.items()}
    return {**found, "total": sum(ordered)}


def _histogram(lengths: list[int]) -> list[str]:
    """Returns one bar per range of lengths, and the quantiles."""
    step = _round_step(max(lengths) / BARS)
    counts = Counter((length - 1) // step for length in lengths)
    most = max(counts.values())
    lines = []
    for row in range(min(counts), max(counts) + 1):
        bar = "█" * round(WIDTH * counts[row] / most) or ("▏" if counts[row] else "")
        line = f"  {row * step + 1:>7,} to {(row + 1) * step:>7,}  {counts[row]:>9,}  {bar}"
        lines.append(line.rstrip())
    found = _quantiles(lengths)
    lines.append(
        f"  median {found['median']:,}, 95th percentile {found['p95']:,}, "
        f"longest {found['longest']:,}; {found['total']:,} in total"
    )
    return lines


def _round_step(step: float) -> int:
    """Rounds up to the next of 1, 2, 5, 10, 20, 50 ..."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= step:
                return factor * power
        power *= 10
