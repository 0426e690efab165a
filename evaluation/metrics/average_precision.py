"""Average precision of detections, in the two forms that video tasks use.

    area       the area below the precision envelope, at every recall         ActivityNet
    101        the mean of the envelope at recall 0, 0.01, ..., 1             COCO, YouTube-VIS

A detection is matched inside of its own video, so the matches of a video are computed once, and a
mean over resampled videos (the error bars) only weighs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["area", "101"]
Weights = NDArray[np.int64]  # [G], of the videos
POINTS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Matches:
    """Detections of one class in one video, best first, at L levels of overlap."""

    scores: NDArray[np.float64]  # [D]
    right: NDArray[np.bool_]  # [D, L]
    num_truths: int


class ClassDetections:
    """The detections of one class in all videos, the best first."""

    def __init__(self, matches: Sequence[Matches]) -> None:
        """`matches` has one entry per video."""
        scores = np.concatenate([one.scores for one in matches])
        order = np.argsort(-scores, kind="stable")
        self.right = np.concatenate([one.right for one in matches])[order]  # [D, L]
        self.video = np.repeat(np.arange(len(matches)), [len(m.scores) for m in matches])[order]
        self.num_truths = np.array([one.num_truths for one in matches])  # [G]

    def average_precision(self, rule: Rule, weights: Weights) -> NDArray[np.float64] | None:
        """Returns it at each level, [L], where video g counts `weights[g]` times."""
        total = int((self.num_truths * weights).sum())
        if not total:
            return None
        weight = weights[self.video]
        kept = weight > 0
        weight = weight[kept]
        if not len(weight):
            return np.zeros(self.right.shape[1])
        hits = (self.right[kept] * weight[:, None]).cumsum(0)  # [D, L]
        reached = hits / total
        precision = hits / weight.cumsum()[:, None]
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        if rule == "area":
            return (np.diff(reached, axis=0, prepend=0.0) * envelope).sum(0)
        found = np.zeros(self.right.shape[1])
        for level in range(len(found)):
            at = np.searchsorted(reached[:, level], POINTS, side="left")
            found[level] = envelope[at[at < len(weight)], level].sum() / len(POINTS)
        return found


def average_precision(
    matches: Sequence[Matches], rule: Rule, weights: Sequence[int] | None = None
) -> NDArray[np.float64] | None:
    """Returns the average precision of one class at each level, [L]; None if it has no truth.

    `weights` is how often each video counts.
    """
    times = np.ones(len(matches), dtype=np.int64) if weights is None else np.asarray(weights)
    return ClassDetections(matches).average_precision(rule, times)


def mean_average_precision(
    classes: Sequence[ClassDetections], rule: Rule, weights: Weights
) -> NDArray[np.float64]:
    """Returns the mean over the classes that have a truth, at each level, [L]."""
    found = [one.average_precision(rule, weights) for one in classes]
    kept = [one for one in found if one is not None]
    levels = classes[0].right.shape[1] if classes else 0
    return np.mean(kept, axis=0) if kept else np.zeros(levels)
