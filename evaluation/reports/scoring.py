"""From the log to numbers: every answer read again in every mode, means with their errors.

Needs the log and its manifest, no model and no data. Numbers are percentages, the errors and
intervals too. Whatever is not complete has no headline: its numbers are of what there is so far.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark
from evaluation.reports.statistics import Estimate, Unit, estimate
from evaluation.runs import manifest
from evaluation.runs.log import LogRow, read_log

PERCENT = 100


@dataclass(frozen=True, eq=False)
class Scored:
    """A benchmark's folder, read and scored."""

    folder: Path
    benchmark: Benchmark
    identity: dict[str, Any]
    rows: list[LogRow]  # in the order of the questions
    asked: int  # how many questions the run was to ask
    mode: str  # the way of reading that the headline is in

    @property
    def answered(self) -> list[LogRow]:
        return [row for row in self.rows if not row["error"]]

    @property
    def failed(self) -> list[LogRow]:
        return [row for row in self.rows if row["error"]]

    @property
    def total(self) -> int:
        """Questions of the whole set."""
        return self.identity["data"]["questions"]

    @property
    def state(self) -> str:
        """ "complete"; "limited": all that was asked for, but not the whole set; "partial"."""
        if len(self.answered) < self.asked:
            return "partial"
        return "complete" if self.asked == self.total else "limited"


def score_row(benchmark: Benchmark, row: LogRow) -> LogRow:
    """The row with its answer read and scored in all modes."""
    if row["error"]:
        return {**row, "extracted": {}, "score": {}}
    extracted = {mode: benchmark.read(row, row["raw"], mode) for mode in benchmark.modes}
    score = {
        mode: benchmark.score(row, answer, mode) if row["targets"] else None
        for mode, answer in extracted.items()
    }
    return {**row, "extracted": extracted, "score": score}


def scored(folder: Path, mode: str | None = None) -> Scored:
    """Reads a benchmark's folder. `mode` is taken where the benchmark has it, else its default.

    ValueError, one sentence, where the folder is none of a run.
    """
    known = manifest.read(folder)
    name, asked = known["identity"]["benchmark"], known["runs"][-1]["asked"]
    if name not in BENCHMARKS:
        raise ValueError(f"{folder} was made with the benchmark {name!r}, which is not known here.")
    benchmark = BENCHMARKS[name]
    rows = [score_row(benchmark, row) for row in read_log(folder) if row["index"] < asked]
    chosen = mode if mode in benchmark.modes else benchmark.modes[0]
    return Scored(folder, benchmark, known["identity"], rows, asked, chosen)


def run_folders(folder: Path) -> list[Path]:
    """The benchmarks' folders of a run: those in `folder`, or `folder` itself if it is one.

    ValueError if there is none.
    """
    if (folder / manifest.NAME).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{manifest.NAME}"))
    if not found:
        raise ValueError(
            f"{folder} holds no run: it should be what --out was in `python -m evaluation run`."
        )
    order = list(BENCHMARKS)
    return sorted(found, key=lambda path: order.index(path.name) if path.name in order else 99)


def units(benchmark: Benchmark, rows: Sequence[LogRow], mode: str) -> list[Unit | None]:
    """What counts in a mean; None keeps the place of what is left out."""
    if benchmark.weight_by:
        strata = [row["category"].get(benchmark.weight_by, "") for row in rows]
        pairs = [(row["group"], row["score"].get(mode)) for row in rows]
    else:
        pairs = benchmark.units(rows, mode)
        strata = [""] * len(pairs)
    return [
        None if value is None else Unit(group, value, stratum)
        for (group, value), stratum in zip(pairs, strata, strict=True)
    ]


def results(item: Scored) -> dict[str, Any]:
    """All numbers of one benchmark, the same bytes for the same answers."""
    modes = {mode: numbers(item.benchmark, item.answered, mode) for mode in item.benchmark.modes}
    headline = modes[item.mode] if item.state == "complete" else None
    if headline is not None and headline["value"] is None:
        headline = None
    return {
        "benchmark": item.benchmark.name,
        "title": item.benchmark.title,
        "metric": item.benchmark.metric,
        "unit": "percent",
        "state": item.state,
        "mode": item.mode,
        "headline": headline,
        "counts": {
            "questions": item.total,
            "asked": item.asked,
            "answered": len(item.answered),
            "failed": len(item.failed),
            "missing": item.asked - len(item.rows),
            "secret": sum(not row["targets"] for row in item.rows),  # the public has no answer
        },
        "modes": modes,
        "categories": _categories(item),
        "failed": [{"id": row["id"], "error": row["error"]} for row in item.failed],
        "identity": item.identity,
    }


def numbers(benchmark: Benchmark, rows: Sequence[LogRow], mode: str) -> dict[str, Any]:
    """Value, n, unanswered, error and interval in one mode."""
    counted = [unit for unit in units(benchmark, rows, mode) if unit is not None]
    found: dict[str, Any] = _plain(estimate(counted).scaled(PERCENT))
    found["unanswered"] = sum(row["extracted"].get(mode) is None for row in rows)
    if counted and (further := benchmark.aggregate(rows, mode)):
        found["further"] = {name: round(value * PERCENT, 10) for name, value in further.items()}
    return found


def _categories(item: Scored) -> dict[str, dict[str, Any]]:
    """For each category the numbers of each of its values, in the order they first come."""
    found: dict[str, dict[str, list[LogRow]]] = defaultdict(lambda: defaultdict(list))
    for row in item.answered:
        for key, value in row["category"].items():
            found[key][value].append(row)
    # Of one value, or as many as there are questions, a table says nothing.
    return {
        key: {value: _cell(item, rows) for value, rows in values.items()}
        for key, values in found.items()
        if 1 < len(values) <= max(12, len(item.answered) // 2)
    }


def _cell(item: Scored, rows: Sequence[LogRow]) -> dict[str, Any]:
    counted = [unit for unit in units(item.benchmark, rows, item.mode) if unit is not None]
    found = _plain(estimate(counted, resamples=2000).scaled(PERCENT))
    return {**found, "unanswered": sum(row["extracted"][item.mode] is None for row in rows)}


def _plain(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "n": found.n,
        "clusters": found.clusters,
        "standard_error": found.standard_error,
        "interval": None if found.interval is None else list(found.interval),
    }
