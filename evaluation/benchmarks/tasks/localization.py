"""Temporal action localization: THUMOS'14, ActivityNet, HACS, FineAction.

The metric is mAP by ActivityNet's rule: `mAP` is the mean over the levels of temporal IoU, 0.3 to
0.7 for THUMOS'14 and 0.5 to 0.95 for the others; mAP@0.5 is that of one level. Its error bars are a
bootstrap over videos. The score of a single video in the log is the mAP of that video alone.
"""

from collections.abc import Sequence

import numpy as np

from data.tasks.annotations import Localized
from evaluation.benchmarks.base import Question
from evaluation.benchmarks.tasks.base import TaskBenchmark, answer_of, clip_of, group_of
from evaluation.benchmarks.tasks.precision import pooled_precision
from evaluation.metrics.average_precision import Matches
from evaluation.metrics.segments import ACTIVITYNET_LEVELS, THUMOS_LEVELS, match_segments
from evaluation.reports.pooled import Pooled
from evaluation.runs.log import LogRow

SHOWN = 5  # segments in an answer for a reader
SINGLE = {"thumos": THUMOS_LEVELS}  # the levels that are reported one by one
FEW = (0.5, 0.75, 0.95)


class LocalizationBenchmark(TaskBenchmark):
    """One video, all segments of all classes."""

    encoder_task = "localization"
    metric = "mAP"
    follows = "ActivityNet's matching and interpolation"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.levels = SINGLE.get(name, ACTIVITYNET_LEVELS)
        self.modes = ("mAP", *(f"mAP@{level}" for level in SINGLE.get(name, FEW)))

    def question(self, one: Localized, classes: Sequence[str]) -> Question:
        truth = [[segment.label, segment.start, segment.end] for segment in one.segments]
        listed = tuple(f"{label} {start:g} - {end:g}" for label, start, end in truth)
        return Question(
            one.id, group_of(one), (clip_of(one),), listed or ("nothing",), extra={"truth": truth}
        )

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        found = answer_of(raw)["segments"][:SHOWN]
        return ", ".join(f"{label} {a:.1f} - {b:.1f}" for label, a, b, _ in found) or "nothing"

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        metric = self.pooled([row], mode)
        return metric.value(np.ones(1, dtype=np.int64)) if row["extra"]["truth"] else None

    def pooled(self, rows: Sequence[LogRow], mode: str) -> Pooled:
        levels = self.levels if mode == "mAP" else (float(mode.partition("@")[2]),)
        labels = sorted({label for row in rows for label, _, _ in row["extra"]["truth"]})
        found: dict[str, list[Matches]] = {label: [] for label in labels}
        for row in rows:
            segments = answer_of(row["raw"])["segments"]
            for label in labels:
                ours = [((a, b), score) for name, a, b, score in segments if name == label]
                truth = [(a, b) for name, a, b in row["extra"]["truth"] if name == label]
                found[label].append(match_segments(ours, truth, levels))
        return pooled_precision(rows, list(found.values()), "area")
