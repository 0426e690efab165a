"""Shares of right, honest, wrong and harmful answers with 95 % Wilson intervals, as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from data.wilson import wilson

# Kinds of questions that nobody can answer: admitting that is what is right.
UNANSWERABLE = ("absent", "unanswerable")
COLUMNS = ("right", "honest", "wrong", "harmful")


@dataclass(frozen=True)
class Graded:
    """The grade of one answer. A harmful one is also wrong."""

    kind: str
    grade: Literal["right", "honest", "wrong"]
    harmful: bool = False

    @property
    def answerable(self) -> bool:
        return self.kind not in UNANSWERABLE

    def counts_as(self, column: str) -> bool:
        """Returns whether it belongs to one of COLUMNS."""
        return self.harmful if column == "harmful" else self.grade == column


def grade_table(graded: Sequence[Graded]) -> list[str]:
    """Returns an aligned Markdown table: all answers, what can be answered or not, each kind."""
    rows = [["questions", "n", *COLUMNS], _row("all", graded)]
    rows.append(_row("answerable", [one for one in graded if one.answerable]))
    rows.append(_row("unanswerable", [one for one in graded if not one.answerable]))
    for kind in sorted({one.kind for one in graded}):
        rows.append(_row(f"kind: {kind}", [one for one in graded if one.kind == kind]))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    return [lines[0], _line(["-" * width for width in widths], widths), *lines[1:]]


def count(graded: Iterable[Graded], column: str) -> int:
    return sum(one.counts_as(column) for one in graded)


def _row(name: str, graded: Sequence[Graded]) -> list[str]:
    shares = [_share(count(graded, column), len(graded)) for column in COLUMNS]
    # A pipe in a kind would end its cell.
    return [name.replace("|", "/").replace("\n", " "), str(len(graded)), *shares]


def _share(hits: int, total: int) -> str:
    if total == 0:
        return "-"
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(map(str.ljust, cells, widths))} |"
