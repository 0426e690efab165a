"""Scores over time -> segments in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = tuple(0.1 * k for k in range(1, 10))  # shares of a film's highest score


@dataclass(frozen=True)
class ScoredSegment:
    """A part of a film; seconds from its start."""

    start: float
    end: float
    score: float  # 0 to 1
    label: str = ""


def frame_edges(times: Sequence[float], duration: float | None = None) -> list[float]:
    """Returns the T + 1 borders of the parts of a film that T frames stand for.

    The border between two frames is halfway; the first and the last part are as long on both sides
    of their frame, within the film.
    """
    if not times:
        return []
    middles = [(a + b) / 2 for a, b in pairwise(times)]
    if not middles:
        return [0.0, duration if duration is not None else max(times[0], 0.0)]
    first = max(0.0, 2 * times[0] - middles[0])
    last = 2 * times[-1] - middles[-1]
    return [first, *middles, last if duration is None else min(last, duration)]


def segments_above(
    scores: NDArray[np.floating], edges: Sequence[float], threshold: float, label: str = ""
) -> list[ScoredSegment]:
    """Maximal runs of frames with a score of `threshold` or more; their score is the mean."""
    segments = []
    above = np.concatenate([[False], scores >= threshold, [False]])
    changes = np.flatnonzero(above[1:] != above[:-1])
    for first, behind in zip(changes[::2], changes[1::2], strict=True):
        mean = float(scores[first:behind].mean())
        segments.append(ScoredSegment(edges[first], edges[behind], mean, label))
    return segments


def all_segments(
    scores: NDArray[np.floating],
    edges: Sequence[float],
    label: str = "",
    overlap: float = 0.7,
    limit: int = 100,
) -> list[ScoredSegment]:
    """Segments for a metric that ranks them: runs above many thresholds, the best first.

    A threshold is a share of the highest score. Of two that overlap by a temporal IoU above
    `overlap`, the better stays. The score of a run is the mean inside times how much it exceeds
    the mean around it, so that a whole action precedes a part of it.
    """
    highest = float(scores.max(initial=0.0))
    found: dict[tuple[float, float], ScoredSegment] = {}
    for share in THRESHOLDS:
        for one in segments_above(scores, edges, share * highest, label):
            found[one.start, one.end] = _contrasted(one, scores, edges)
    return suppressed(list(found.values()), overlap)[:limit]


def _contrasted(
    one: ScoredSegment, scores: NDArray[np.floating], edges: Sequence[float]
) -> ScoredSegment:
    """Weighs the score of a run by its contrast to a quarter of its length on both sides."""
    starts, ends = np.asarray(edges[:-1]), np.asarray(edges[1:])
    margin = (one.end - one.start) / 4
    around = (starts < one.end + margin) & (ends > one.start - margin)
    outside = around & ((ends <= one.start) | (starts >= one.end))
    background = float(scores[outside].mean()) if outside.any() else 0.0
    return ScoredSegment(
        one.start, one.end, max(0.0, one.score - background) * one.score**0.5, one.label
    )


def suppressed(segments: Sequence[ScoredSegment], overlap: float) -> list[ScoredSegment]:
    """Non-maximum suppression over time, the best first."""
    kept: list[ScoredSegment] = []
    for one in sorted(segments, key=lambda s: (-s.score, s.start)):
        if all(iou(one, other) <= overlap for other in kept if other.label == one.label):
            kept.append(one)
    return kept


def iou(one: ScoredSegment, other: ScoredSegment) -> float:
    """Temporal intersection over union, 0 to 1."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    union = max(one.end, other.end) - min(one.start, other.start)
    return max(0.0, shared) / union if union > 0 else 0.0
