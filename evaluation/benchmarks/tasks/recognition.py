"""Recognition: Kinetics, Something-Something v2, UCF101, HMDB51.

    top-1, top-5     a class with an equal score counts against the right one
    class-mean       the mean over classes of their top-1 accuracies
    zero-shot        ten seeded halves of the classes; clips of the half that a model for this split
                     never trained on, classified among that half (Efficient-Prompt)
    5-way-5-shot     a thousand seeded episodes: five classes, five clips of each to learn from, one
                     to ask about; nearest class mean of the frozen features. C-way: all classes

Whether a split's classes were held out of training is the recipe's choice, which a log does not
show.
"""

from collections.abc import Sequence

import numpy as np

from data.tasks.annotations import Recognition
from evaluation.benchmarks.base import Question
from evaluation.benchmarks.tasks.base import (
    TaskBenchmark,
    answer_of,
    clip_of,
    group_of,
    unpack_array,
)
from evaluation.metrics.episodes import episodes, zero_shot
from evaluation.metrics.ranking import rank_of
from evaluation.runs.log import LogRow

SHOTS = 5
WAYS = {"5-way-5-shot": 5, "C-way-5-shot": None}


class RecognitionBenchmark(TaskBenchmark):
    """One clip, one class."""

    encoder_task = "recognition"
    has_views = True
    metric = "accuracy"
    follows = "ranks of scores; a tie counts against the right class"
    modes = ("top-1", "top-5", "class-mean", "zero-shot", *WAYS)

    def question(self, one: Recognition, classes: Sequence[str]) -> Question:
        return Question(
            one.id,
            group_of(one),
            (clip_of(one),),
            (one.label,),
            category={"class": one.label},
            extra={"label": classes.index(one.label)},
        )

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        best = [name for name, _ in answer_of(raw)["best"]]
        return ", ".join(best[: 5 if mode == "top-5" else 1])

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        """Returns whether the top 5 or, in the other modes, the top 1 is right."""
        rank = rank_of(unpack_array(answer_of(row["raw"])["scores"]), row["extra"]["label"])
        return float(rank <= (5 if mode == "top-5" else 1))

    def weighted_units(
        self, rows: Sequence[LogRow], mode: str
    ) -> list[tuple[str, float | None, str]]:
        """Returns (group, value, stratum): clips, or the clips of each split, or episodes."""
        if mode == "class-mean":
            return [(row["group"], row["score"][mode], row["category"]["class"]) for row in rows]
        if mode not in ("zero-shot", *WAYS) or not rows:
            return super().weighted_units(rows, mode)
        answers = [answer_of(row["raw"]) for row in rows]
        labels = [row["extra"]["label"] for row in rows]
        if mode == "zero-shot":
            scores = np.stack([unpack_array(answer["scores"]) for answer in answers])
            found = zero_shot(scores, labels)
            return [(rows[i]["group"], float(right), str(split)) for split, i, right in found]
        features = np.stack([unpack_array(answer["feature"]) for answer in answers])
        groups = [row["group"] for row in rows]
        accuracies = episodes(features, labels, groups, WAYS[mode], SHOTS)
        return [(f"episode {i}", value, "") for i, value in enumerate(accuracies)]
