"""Detected tracks of masks against annotated ones, by YouTube-VIS's rule (arXiv 1905.04804).

The overlap of two tracks is the sum of the intersections of all frames over the sum of the unions.
Detections of a category are taken best first, at most 100 per video; each takes the free truth with
the highest overlap, if that is at least the level (COCO's rule).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.tasks.annotations import Rle
from data.tasks.masks import as_coco
from evaluation.metrics.average_precision import Matches

Track = Sequence[Rle | None]  # one mask per frame; None: not visible
LEVELS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
MOST = 100  # detections of a video and category


def track_overlaps(ours: Sequence[Track], truths: Sequence[Track]) -> NDArray[np.float64]:
    """Returns the spatio-temporal IoU of D and G tracks of one video, [D, G]."""
    from pycocotools import mask as coco

    shared = np.zeros((len(ours), len(truths)))
    either = np.zeros_like(shared)
    num_frames = len(truths[0]) if truths else 0
    for t in range(num_frames if ours else 0):
        here = [(i, track[t]) for i, track in enumerate(ours)]
        there = [(j, track[t]) for j, track in enumerate(truths)]
        rows = [(i, as_coco(mask)) for i, mask in here if mask is not None]
        columns = [(j, as_coco(mask)) for j, mask in there if mask is not None]
        areas = np.zeros(len(ours)), np.zeros(len(truths))
        for of_tracks, found in zip(areas, (rows, columns), strict=True):
            for place, mask in found:
                of_tracks[place] = coco.area(mask)
        total = areas[0][:, None] + areas[1]
        inside = np.zeros_like(shared)
        if rows and columns:
            iou = coco.iou([m for _, m in rows], [m for _, m in columns], [False] * len(columns))
            at = np.ix_([i for i, _ in rows], [j for j, _ in columns])
            # Whole pixels: iou = shared / (total - shared).
            inside[at] = np.rint(iou * total[at] / (1 + iou))
        shared += inside
        either += total - inside
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


def match_tracks(
    detections: Sequence[tuple[Track, float]],
    truths: Sequence[Track],
    levels: Sequence[float] = LEVELS,
) -> Matches:
    """Matches one category in one video; a detection is (track, score)."""
    ordered = sorted(detections, key=lambda one: -one[1])[:MOST]  # stable
    overlaps = track_overlaps([track for track, _ in ordered], truths)
    right = np.zeros((len(ordered), len(levels)), dtype=bool)
    for column, level in enumerate(levels):
        free = np.ones(len(truths), dtype=bool)
        for number in range(len(ordered)):
            open_ones = np.where(free, overlaps[number], -1.0)
            if len(truths) and open_ones.max() >= min(level, 1 - 1e-10):
                # Of equal ones COCO takes the last.
                best = len(truths) - 1 - int(open_ones[::-1].argmax())
                free[best] = False
                right[number, column] = True
    scores = np.array([score for _, score in ordered], dtype=np.float64)
    return Matches(scores, right, len(truths))
