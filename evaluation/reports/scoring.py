"""Scores a log: extracts every answer in every mode and computes means with error bars.

Needs the log and its manifest, no model and no data. Values, errors and intervals are percentages.
An incomplete run has no headline; its values cover the answers so far.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.answers.versions import FOLLOWED
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark
from evaluation.reports.pooled import estimate_pooled
from evaluation.reports.statistics import Estimate, Unit, estimate
from evaluation.runs import manifest
from evaluation.runs.log import LogRow, read_log

PERCENT = 100


@dataclass(frozen=True, eq=False)
class Scored:
    """The scored log of one benchmark."""

    folder: Path
    benchmark: Benchmark
    identity: dict[str, Any]
    rows: list[LogRow]  # in question order
    asked: int  # number of questions the run covers
    mode: str  # extraction mode of the headline

    @property
    def answered(self) -> list[LogRow]:
        return [row for row in self.rows if not row["error"]]

    @property
    def failed(self) -> list[LogRow]:
        return [row for row in self.rows if row["error"]]

    @property
    def total(self) -> int:
        """Number of questions in the whole set."""
        return self.identity["data"]["questions"]

    @property
    def state(self) -> str:
        """ "complete", "partial" (answers are missing) or "limited" (complete up to --limit)."""
        if len(self.answered) < self.asked:
            return "partial"
        return "complete" if self.asked == self.total else "limited"


def score_row(benchmark: Benchmark, row: LogRow) -> LogRow:
    """Returns the row with its answer extracted and scored in all modes."""
    if row["error"]:
        return {**row, "extracted": {}, "score": {}}
    extracted = {mode: benchmark.read(row, row["raw"], mode) for mode in benchmark.modes}
    score = {
        mode: benchmark.score(row, answer, mode) if row["targets"] else None
        for mode, answer in extracted.items()
    }
    return {**row, "extracted": extracted, "score": score}


def scored(folder: Path, mode: str | None = None) -> Scored:
    """Reads and scores a benchmark's folder, in `mode` if the benchmark has it, else its default.

    Raises ValueError if the folder holds no run.
    """
    known = manifest.read(folder)
    name, asked = known["identity"]["benchmark"], known["runs"][-1]["asked"]
    if name not in BENCHMARKS:
        raise ValueError(
            f"{folder} holds a run of the benchmark {name!r}, which does not exist here."
        )
    benchmark = BENCHMARKS[name]
    rows = [score_row(benchmark, row) for row in read_log(folder) if row["index"] < asked]
    rows = benchmark.together(rows)
    chosen = mode if mode in benchmark.modes else benchmark.modes[0]
    return Scored(folder, benchmark, known["identity"], rows, asked, chosen)


def run_folders(folder: Path) -> list[Path]:
    """Returns the benchmarks' folders of a run: those in `folder`, or `folder` itself if it is one.

    Raises ValueError if there are none.
    """
    if (folder / manifest.NAME).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{manifest.NAME}"))
    if not found:
        raise ValueError(
            f"{folder} holds no run; give the --out folder of `python -m evaluation run`."
        )
    order = list(BENCHMARKS)
    return sorted(found, key=lambda path: order.index(path.name) if path.name in order else 99)


def units(benchmark: Benchmark, rows: Sequence[LogRow], mode: str) -> list[Unit | None]:
    """Returns the units of a mean; None marks an excluded one, so that positions are kept."""
    return [
        None if value is None else Unit(group, value, stratum)
        for group, value, stratum in benchmark.weighted_units(rows, mode)
    ]


def results(item: Scored) -> dict[str, Any]:
    """Returns all results of one benchmark, equal for equal answers."""
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
        "rules": {
            mode: item.benchmark.follows or FOLLOWED.get(mode, "our own rule")
            for mode in item.benchmark.modes
        },
        "headline": headline,
        "counts": {
            "questions": item.total,
            "asked": item.asked,
            "answered": len(item.answered),
            "failed": len(item.failed),
            "missing": item.asked - len(item.rows),
            "secret": sum(not row["targets"] for row in item.rows),  # without a public answer
        },
        "modes": modes,
        "categories": _categories(item),
        "failed": [{"id": row["id"], "error": row["error"]} for row in item.failed],
        "identity": item.identity,
    }


def numbers(benchmark: Benchmark, rows: Sequence[LogRow], mode: str) -> dict[str, Any]:
    """Returns value, n, unanswered, error and interval in one mode."""
    metric = benchmark.pooled(rows, mode) if rows else None
    included = [unit for unit in units(benchmark, rows, mode) if unit is not None]
    value = estimate(included) if metric is None else estimate_pooled(metric)
    found: dict[str, Any] = _plain(value.scaled(PERCENT))
    found["unanswered"] = sum(row["extracted"].get(mode) is None for row in rows)
    if included and (further := benchmark.aggregate(rows, mode)):
        found["further"] = {name: round(value * PERCENT, 10) for name, value in further.items()}
    return found


def _categories(item: Scored) -> dict[str, dict[str, Any]]:
    """Returns the numbers of each value of each category, in order of first appearance."""
    found: dict[str, dict[str, list[LogRow]]] = defaultdict(lambda: defaultdict(list))
    for row in item.answered:
        for key, value in row["category"].items():
            found[key][value].append(row)
    # A table with one value, or about as many as questions, is uninformative.
    return {
        key: {value: _cell(item, rows) for value, rows in values.items()}
        for key, values in found.items()
        if 1 < len(values) <= max(12, len(item.answered) // 2)
    }


def _cell(item: Scored, rows: Sequence[LogRow]) -> dict[str, Any]:
    included = [unit for unit in units(item.benchmark, rows, item.mode) if unit is not None]
    found = _plain(estimate(included, resamples=2000).scaled(PERCENT))
    return {**found, "unanswered": sum(row["extracted"][item.mode] is None for row in rows)}


def _plain(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "n": found.n,
        "clusters": found.clusters,
        "standard_error": found.standard_error,
        "interval": None if found.interval is None else list(found.interval),
    }
