"""Temporal grounding of a sentence: Charades-STA, QVHighlights.

R1@0.5 is the share of sentences whose best window has a temporal IoU of at least 0.5 with a true
one; mIoU is the mean. Of several true windows the nearest counts.
"""

from collections.abc import Sequence

from data.tasks.annotations import Grounded
from evaluation.benchmarks.base import Question
from evaluation.benchmarks.tasks.base import TaskBenchmark, answer_of, clip_of, group_of
from evaluation.metrics.segments import best_overlap
from evaluation.metrics.spans import format_span
from evaluation.runs.log import LogRow

LEVELS = (0.5, 0.7, 0.3)


class GroundingBenchmark(TaskBenchmark):
    """One video, one sentence."""

    encoder_task = "grounding"
    metric = "recall"
    follows = "temporal IoU of the best window"
    modes = (*(f"R1@{level}" for level in LEVELS), "mIoU")

    def question(self, one: Grounded, classes: Sequence[str]) -> Question:
        return Question(
            one.id,
            group_of(one),
            (clip_of(one), one.text),
            tuple(format_span(window) for window in one.windows),
            extra={"windows": [list(window) for window in one.windows]},
        )

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        windows = answer_of(raw)["windows"]
        return f"{windows[0][0]:.2f} - {windows[0][1]:.2f}" if windows else None

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        windows = answer_of(row["raw"])["windows"]
        if not windows:
            return 0.0
        truths = [(start, end) for start, end in row["extra"]["windows"]]
        overlap = best_overlap((windows[0][0], windows[0][1]), truths)
        return overlap if mode == "mIoU" else float(overlap >= float(mode.partition("@")[2]))
