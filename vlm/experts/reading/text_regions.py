"""Regions of text from a map of text probabilities: connected pixels become rotated rectangles.

The text detector of PP-OCR is a differentiable binarization network (Liao et al. 2020, arXiv
1911.08947): it marks the shrunken core of each line. A core is grown by area * 1.6 / perimeter,
which is exact for rectangles, so neither contours nor polygon clipping are needed. Everything here
works on runs of marked pixels in rows: whole arrays instead of a loop over pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm.experts.findings import Box

MARKED, MIN_SCORE = 0.3, 0.5  # probability of a pixel; mean of a region
GROW = 1.6
MIN_SIDE = 3.0  # pixels of a core
UPRIGHT = 0.06  # radians; a line closer to the horizontal is taken as horizontal
TALL = 1.5  # a region this many times taller than wide is read downwards


@dataclass(frozen=True)
class Region:
    """A rotated rectangle in pixels: `angle` (radians) turns the x axis along the text."""

    x: float
    y: float
    width: float
    height: float
    angle: float
    score: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the upright rectangle around it."""
        c, s = abs(np.cos(self.angle)), abs(np.sin(self.angle))
        dx, dy = (self.width * c + self.height * s) / 2, (self.width * s + self.height * c) / 2
        return self.x - dx, self.y - dy, self.x + dx, self.y + dy

    def box(self, height: int, width: int) -> Box:
        """The bounds as parts of a frame of this height and width."""
        left, top, right, bottom = self.bounds
        return (
            max(left / width, 0.0),
            max(top / height, 0.0),
            min(right / width, 1.0),
            min(bottom / height, 1.0),
        )


def find_regions(probability: NDArray[np.float32]) -> list[Region]:
    """Finds the regions in a map [H, W] of text probabilities, largest first."""
    row, start, end = _runs(probability > MARKED)
    if not len(row):
        return []
    label = _connect(row, start, end, probability.shape[1] + 2)
    sums = np.pad(probability.cumsum(axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    marked = sums[row, end] - sums[row, start]
    size = (end - start).astype(np.float64)
    count = np.bincount(label, size)
    score = np.bincount(label, marked) / count
    middle = (start + end) / 2  # of the pixels' outer edges
    x, y = np.bincount(label, size * middle) / count, np.bincount(label, size * (row + 0.5)) / count
    angle = _angles(label, size, middle - x[label], row + 0.5 - y[label])
    left, top, right, bottom = _extents(label, row, start, end, x, y, angle)
    regions = []
    for i in np.flatnonzero(
        (score > MIN_SCORE) & (np.minimum(right - left, bottom - top) > MIN_SIDE)
    ):
        width, height = right[i] - left[i], bottom[i] - top[i]
        grow = width * height * GROW / (2 * (width + height))
        dx, dy = (left[i] + right[i]) / 2, (top[i] + bottom[i]) / 2
        c, s = np.cos(angle[i]), np.sin(angle[i])
        center = x[i] + dx * c - dy * s, y[i] + dx * s + dy * c
        sides = width + 2 * grow, height + 2 * grow
        regions.append(Region(*center, *sides, float(angle[i]), float(score[i])))
    return sorted(regions, key=lambda r: -r.width * r.height)


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Row, first column and column after the last of each run of marked pixels, row by row."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edges == 1)
    return row, start, np.nonzero(edges == -1)[1]


def _connect(
    row: NDArray[np.intp], start: NDArray[np.intp], end: NDArray[np.intp], width: int
) -> NDArray[np.intp]:
    """Numbers the connected components, diagonal neighbors included; one number for each run."""
    first = np.searchsorted(row * width + end, (row - 1) * width + start, side="left")
    last = np.searchsorted(row * width + start, (row - 1) * width + end, side="right")
    parent = list(range(len(row)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i in np.flatnonzero(last > first):
        for j in range(first[i], last[i]):
            a, b = root(int(i)), root(j)
            parent[max(a, b)] = min(a, b)
    roots = np.array([root(i) for i in range(len(parent))])
    return np.unique(roots, return_inverse=True)[1]


def _angles(
    label: NDArray[np.intp], size: NDArray, dx: NDArray, dy: NDArray
) -> NDArray[np.float64]:
    """The direction of the longest extent, from second moments; 0 if nearly upright."""
    xx = np.bincount(label, size * dx * dx + size**3 / 12)
    yy, xy = np.bincount(label, size * (dy * dy + 1 / 12)), np.bincount(label, size * dx * dy)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    upright = (np.abs(angle) < UPRIGHT) | (np.abs(angle) > np.pi / 2 - UPRIGHT)
    spread = np.hypot((xx - yy) / 2, xy)
    long, short = (xx + yy) / 2 + spread, (xx + yy) / 2 - spread  # variances along and across
    return np.where(upright | (long < TALL**2 * short), 0.0, angle)


def _extents(
    label: NDArray[np.intp],
    row: NDArray[np.intp],
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    x: NDArray,
    y: NDArray,
    angle: NDArray,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Least and greatest coordinates along and across the angle, from the center."""
    c, s = np.cos(angle)[label], np.sin(angle)[label]
    low = np.full((2, len(x)), np.inf)
    high = -low
    dy = row + 0.5 - y[label]
    for column in (start + 0.5, end - 0.5):  # the centers of a run's first and last pixel
        dx = column - x[label]
        for axis, value in enumerate((dx * c + dy * s, dy * c - dx * s)):
            np.minimum.at(low[axis], label, value - 0.5)
            np.maximum.at(high[axis], label, value + 0.5)
    return low[0], low[1], high[0], high[1]
