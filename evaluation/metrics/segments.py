"""Detected segments of time against annotated ones, by ActivityNet's rule.

Detections of a class are taken best first. Each takes the segment of its video with which it has
the highest temporal IoU, if that is at least the level and no better detection has taken it; else
the segment with the next highest IoU, and so on.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.metrics.average_precision import Matches
from evaluation.metrics.spans import Span, overlap

THUMOS_LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
ACTIVITYNET_LEVELS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


def match_segments(
    detections: Sequence[tuple[Span, float]], truths: Sequence[Span], levels: Sequence[float]
) -> Matches:
    """Matches one class in one video; a detection is (start and end, score)."""
    ordered = sorted(detections, key=lambda one: -one[1])  # stable
    right = np.zeros((len(ordered), len(levels)), dtype=bool)
    overlaps = np.array([[overlap(span, truth) for truth in truths] for span, _ in ordered])
    for column, level in enumerate(levels):
        taken: set[int] = set()
        for number in range(len(ordered) if truths else 0):
            for truth in np.argsort(-overlaps[number], kind="stable").tolist():
                if overlaps[number, truth] < level:
                    break
                if truth not in taken:
                    taken.add(truth)
                    right[number, column] = True
                    break
    scores = np.array([score for _, score in ordered], dtype=np.float64)
    return Matches(scores, right, len(truths))


def best_overlap(window: Span, truths: Sequence[Span]) -> float:
    """Returns the highest temporal IoU with any of the truths: R@1 of grounding compares it."""
    return max(overlap(window, truth) for truth in truths)
