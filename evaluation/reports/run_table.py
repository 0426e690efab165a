"""Many runs beside many benchmarks: `python -m evaluation table RUNS...`.

The first run is the one that the others are compared with. A value is marked where the paired
difference to it, on the questions that both answered, is more than chance: its 95 % interval
excludes zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks import BENCHMARKS
from evaluation.reports.compare import paired_runs
from evaluation.reports.costs import Cost, cost_of
from evaluation.reports.scoring import Scored, numbers, run_folders, scored

BETTER, WORSE = "▲", "▼"


@dataclass(frozen=True)
class Cell:
    """The result of one run on one benchmark. Values are percentages."""

    value: float | None  # None: the run has no result
    interval: tuple[float, float] | None
    n: int
    mark: str  # BETTER or WORSE than the first run by more than chance, else ""
    mode: str
    state: str  # "complete", "limited" or "partial"
    cost: Cost | None
    unlike: bool  # other questions than in the first run: not comparable


@dataclass(frozen=True)
class Table:
    """Runs as columns, benchmarks as rows; a cell is None where a run lacks the benchmark."""

    runs: tuple[str, ...]
    models: tuple[str, ...]
    benchmarks: tuple[str, ...]  # names
    cells: dict[tuple[str, str], Cell]  # by benchmark and run

    def title(self, benchmark: str) -> str:
        return BENCHMARKS[benchmark].title


def many_runs(folders: Sequence[Path], mode: str | None = None) -> Table:
    """Scores all runs. Raises ValueError if a folder holds no run, or two have the same name."""
    names = _names(folders)
    found: dict[str, dict[str, Scored]] = {}
    for name, folder in zip(names, folders, strict=True):
        items = (scored(one, mode) for one in run_folders(folder))
        found[name] = {item.benchmark.name: item for item in items}
    first = found[names[0]]
    cells = {
        (benchmark, name): _cell(item, first.get(benchmark))
        for name, items in found.items()
        for benchmark, item in items.items()
    }
    order = [name for name in BENCHMARKS if any(name in items for items in found.values())]
    models = [
        next(iter(items.values())).identity["model"].get("name", "?") for items in found.values()
    ]
    return Table(tuple(names), tuple(map(str, models)), tuple(order), cells)


def _cell(item: Scored, first: Scored | None) -> Cell:
    found = numbers(item.benchmark, item.answered, item.mode)
    complete = item.state == "complete"
    interval = found["interval"] if complete else None
    unlike = first is not None and _questions(item) != _questions(first)
    return Cell(
        found["value"] if complete else None,
        None if interval is None else (interval[0], interval[1]),
        found["n"],
        "" if first is None or first is item or unlike else _mark(first, item),
        item.mode,
        item.state,
        cost_of(item.answered, "server" in item.identity["model"]),
        unlike,
    )


def _questions(item: Scored) -> tuple[str, str]:
    return item.identity["data"]["questions_sha256"], item.mode


def _mark(first: Scored, item: Scored) -> str:
    try:
        found = paired_runs(first, item)
    except ValueError:  # no question in common
        return ""
    if not found.differ or found.difference.value is None:
        return ""
    return BETTER if found.difference.value > 0 else WORSE


def _names(folders: Sequence[Path]) -> list[str]:
    """Returns the shortest ends of the paths that tell the runs apart."""
    resolved = [folder.resolve() for folder in folders]
    if len(set(resolved)) < len(resolved):
        raise ValueError("two of the runs are the same folder; give each once.")
    for length in range(1, 1 + max(len(path.parts) for path in resolved)):
        names = ["/".join(path.parts[-length:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    raise AssertionError("different paths have different names")
