"""Connected regions of a picture, without a library for images."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def regions(mask: Mask) -> tuple[NDArray[np.intp], int]:
    """bool [H, W] -> the number of each pixel's region from 1 on, 0 outside [H, W]; how many.

    Pixels belong together that touch at a side or a corner. The runs of neighboring rows are
    joined: union-find in whole arrays (Shiloach and Vishkin 1982, "An O(log n) parallel
    connectivity algorithm").
    """
    H, W = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edges == 1)
    _, stop = np.nonzero(edges == -1)  # the same order: runs alternate with gaps
    if not len(row):
        return np.zeros((H, W), np.intp), 0
    upper, lower = _touching(row, start, stop, W)
    parent = np.arange(len(row))
    while True:
        roots = np.minimum(parent[upper], parent[lower])
        before = parent.copy()
        np.minimum.at(parent, before[upper], roots)
        np.minimum.at(parent, before[lower], roots)
        while not np.array_equal(parent[parent], parent):
            parent = parent[parent]
        if np.array_equal(parent, before):
            break
    names, numbers = np.unique(parent, return_inverse=True)
    steps = np.zeros((H, W + 1), np.intp)
    steps[row, start] += numbers + 1
    steps[row, stop] -= numbers + 1
    return steps.cumsum(axis=1)[:, :W], len(names)


def _touching(
    row: NDArray[np.intp], start: NDArray[np.intp], stop: NDArray[np.intp], W: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of runs in neighboring rows that touch."""
    wide = W + 2
    first = row * wide + start
    last = row * wide + stop  # the pixel behind the run, which touches at a corner
    # In the row below, runs whose last pixel is not left of this one's first ...
    low = np.searchsorted(last, first + wide, "left")
    # ... and whose first is not right of this one's last.
    high = np.searchsorted(first, last + wide, "right")
    count = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(row)), count)
    offset = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
    return upper, np.repeat(low, count) + offset
