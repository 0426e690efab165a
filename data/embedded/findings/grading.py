"""Grades answers to a file of records by its patterns: right, honest or wrong, by kind."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from data.embedded.findings.exchange import Exchange, grade

GRADES = ("right", "honest", "wrong")


def grade_file(records: Path, answers: Path) -> dict[str, Counter[str]]:
    """Counts the grades of each kind; raises ValueError if a record has no answers."""
    given = {line["id"]: line["answers"] for line in _lines(answers)}
    counts: dict[str, Counter[str]] = {}
    for record in _lines(records):
        kinds = record["task"]
        if len(given.get(record["id"], ())) != len(kinds):
            raise ValueError(
                f"{answers} needs {len(kinds)} answers to the record {record['id']} of {records}."
            )
        for kind, patterns, answer in zip(kinds, record["grade"], given[record["id"]], strict=True):
            right, wrong = tuple(patterns["right"]), tuple(patterns["wrong"])
            exchange = Exchange(kind, "", "", right, wrong, patterns["honest"])
            counts.setdefault(kind, Counter())[grade(answer, exchange)] += 1
    return counts


def table(counts: dict[str, Counter[str]]) -> str:
    """One line per kind, and the sum."""
    rows = [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]
    lines = [f"{'kind':14}{'n':>6}" + "".join(f"{g:>8}" for g in GRADES)]
    for kind, count in rows:
        lines.append(f"{kind:14}{count.total():6}" + "".join(f"{count[g]:8}" for g in GRADES))
    return "\n".join(lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(x) for x in path.read_text(encoding="utf-8").splitlines() if x.strip()]
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} cannot be read as JSONL ({error}).") from error
