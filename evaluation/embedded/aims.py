"""The embedded model's aims: of which questions what share, and whether it is reached."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.wilson import wilson
from evaluation.benchmarks.own import photos, worlds
from evaluation.benchmarks.own.grade_table import Graded
from evaluation.benchmarks.own.visitors import graded_rows
from evaluation.reports.scoring import scored
from evaluation.reports.tables import aligned
from evaluation.runs.log import LogRow

HEAD = ("aim", "share", "95 % interval", "n", "aimed at", "reached")


@dataclass(frozen=True)
class Aim:
    """A share of answers, and the bound that it aims at."""

    benchmark: str
    name: str
    hits: int
    n: int
    bound: float  # 0 to 1
    at_most: bool = False

    @property
    def share(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's, 95 %."""
        return wilson(self.hits, self.n) if self.n else None

    @property
    def reached(self) -> bool | None:
        """None if nothing was measured."""
        if self.share is None:
            return None
        return self.share <= self.bound if self.at_most else self.share >= self.bound

    def as_json(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "name": self.name,
            "hits": self.hits,
            "n": self.n,
            "share": self.share,
            "interval": self.interval,
            "at_most" if self.at_most else "at_least": self.bound,
            "reached": self.reached,
        }


@dataclass(frozen=True)
class VisitorsAim:
    """An aim for visitors' questions: of which of them which grade."""

    name: str
    bound: float
    covers: Callable[[Graded], bool] = lambda one: True
    grade: str = "right"  # or "wrong", "harmful": then the bound is the most


def _kinds(*kinds: str) -> Callable[[Graded], bool]:
    return lambda one: one.kind in kinds


VISITORS_AIMS = (
    VisitorsAim("right", 0.62),
    VisitorsAim("right, of what can be answered", 0.58, lambda one: one.answerable),
    VisitorsAim("right, of what cannot be answered", 0.80, lambda one: not one.answerable),
    VisitorsAim("wrong", 0.20, grade="wrong"),
    VisitorsAim("harmful", 0.0, grade="harmful"),
    VisitorsAim("documents and text in pictures", 0.65, _kinds("document", "text")),
    VisitorsAim("film", 0.40, _kinds("video", "action")),
    VisitorsAim("people, counts, places", 0.50, _kinds("person", "count", "place")),
    VisitorsAim("itself and chat", 0.80, _kinds("self", "chat")),
)


def visitors_aims(graded: Sequence[Graded]) -> list[Aim]:
    """Returns the aims for visitors' questions."""
    aims = []
    for aim in VISITORS_AIMS:
        covered = [one for one in graded if aim.covers(one)]
        hits = sum(one.counts_as(aim.grade) for one in covered)
        at_most = aim.grade != "right"
        aims.append(Aim("visitors", aim.name, hits, len(covered), aim.bound, at_most))
    return aims


def photos_aims(rows: Iterable[LogRow]) -> list[Aim]:
    """Returns the aim for photographs of one thing."""
    nearly = [row["score"]["nearly"] == 1.0 for row in rows]
    name = "photographs of one thing, right or nearly"
    return [Aim("photos", name, sum(nearly), len(nearly), photos.AIM)]


def worlds_aims(rows: Iterable[LogRow]) -> list[Aim]:
    """Returns the aims for held-out worlds."""
    right = [(row["category"]["task"], row["score"]["right"] == 1.0) for row in rows]
    aims = []
    for name, tasks in worlds.AIMS.items():
        found = [hit for task, hit in right if task in tasks]
        aims.append(Aim("worlds", f"worlds, {name}", sum(found), len(found), worlds.AIM))
    return aims


def aims_of(folders: Iterable[Path]) -> tuple[list[Aim], list[str]]:
    """Returns the aims that the runs in these folders measure, and remarks on what is missing."""
    aims: list[Aim] = []
    remarks: list[str] = []
    for folder in folders:
        try:
            run = scored(folder)
        except ValueError as error:
            remarks.append(f"Not measured: {error}")
            continue
        if run.benchmark.name == "visitors":
            graded, problems = graded_rows(run.answered)
            aims += visitors_aims(graded)
            remarks += problems
        else:
            aims += {"photos": photos_aims, "worlds": worlds_aims}[run.benchmark.name](run.answered)
        if run.state == "partial":
            remarks.append(
                f"{run.benchmark.title}: only {len(run.answered):,} of {run.asked:,} questions"
                " have an answer."
            )
    return aims, remarks


def aims_table(aims: Sequence[Aim]) -> list[str]:
    """Returns the aims as aligned lines."""
    return aligned([HEAD, *(_cells(aim) for aim in aims)], left=1)


def _cells(aim: Aim) -> list[str]:
    bound = f"{'at most' if aim.at_most else 'at least'} {100 * aim.bound:.0f} %"
    if aim.share is None or aim.interval is None:
        return [aim.name, "-", "-", "0", bound, "-"]
    low, high = aim.interval
    return [
        aim.name,
        f"{100 * aim.share:.0f} %",
        f"{100 * low:.0f} to {100 * high:.0f} %",
        f"{aim.n:,}",
        bound,
        "yes" if aim.reached else "no",
    ]
