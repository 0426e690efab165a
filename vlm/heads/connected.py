"""The connected parts of a mask in space and time: what a mask of a class has of instances.

A mask is taken as runs of pixels in rows, which are few: neighboring runs are joined until none
changes. Time and memory go with the runs, not with the length of a path through a part.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
NEIGHBORS = ((0, 1), (1, -1), (1, 0), (1, 1))  # later frames, later rows; the others are symmetric


def instances(
    mask: NDArray[np.bool_], smallest: int = 1, most: int | None = None
) -> list[NDArray[np.bool_]]:
    """Returns the connected parts of a mask [T, H, W], the largest first, at most `most`.

    Neighbors share a side, an edge or a corner. Parts of fewer than `smallest` pixels in all frames
    are left out.
    """
    T, H, W = mask.shape
    padded = np.pad(mask, ((0, 0), (0, 0), (1, 1)))
    changes = np.flatnonzero(np.diff(padded.ravel(), prepend=False))
    starts, ends = changes[::2], changes[1::2]  # of runs, in the padded pixels
    parts = _joined(len(starts), *_touching(starts, ends, mask.shape))
    found = np.unique(parts)
    sizes = np.bincount(parts, ends - starts, minlength=len(starts))[found]
    order = np.argsort(-sizes, kind="stable")[:most]
    masks = []
    for part in found[order[sizes[order] >= smallest]]:
        edges = np.zeros(padded.size, np.int8)
        edges[starts[parts == part]], edges[ends[parts == part]] = 1, -1
        whole = edges.cumsum(dtype=np.int8).reshape(padded.shape).astype(bool)
        masks.append(whole[:, :, 1:-1])
    return masks


def _touching(
    starts: Numbers, ends: Numbers, shape: tuple[int, int, int]
) -> tuple[Numbers, Numbers]:
    """Pairs of runs that are neighbors: their numbers."""
    T, H, W = shape
    stride = W + 2
    line = starts // stride
    ones, others = [], []
    for later, lower in NEIGHBORS:
        row = line % H + lower
        there = (row >= 0) & (row < H) & (line // H + later < T)
        (here,) = np.nonzero(there)
        shift = (later * H + lower) * stride
        first = np.searchsorted(ends, starts[here] + shift)
        behind = np.searchsorted(starts, ends[here] + shift, side="right")
        counts = (behind - first).clip(min=0)
        ones.append(np.repeat(here, counts))
        before = np.repeat(counts.cumsum() - counts, counts)
        others.append(np.repeat(first, counts) + np.arange(counts.sum()) - before)
    return np.concatenate(ones), np.concatenate(others)


def _joined(number: int, ones: Numbers, others: Numbers) -> Numbers:
    """Returns the smallest number of each one's part, from pairs that belong together."""
    parts = np.arange(number)
    while True:
        a, b = parts[ones], parts[others]
        apart = a != b
        if not apart.any():
            return parts
        a, b = a[apart], b[apart]
        np.minimum.at(parts, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(parts, parts[parts]):
            parts = parts[parts]
