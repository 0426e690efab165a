"""The name of a shape, by the figure of geometry that covers most of the same pixels.

A silhouette is stretched to a square and compared with figures that are stretched alike, by
intersection over union. Its box then decides between square and
rectangle, circle and oval.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vlm.experts.findings import UNNAMED

SIDE = 32  # pixels of a stretched silhouette
FINE = 2  # times as many for a figure, before it is averaged
LIKE, SURE = 0.78, 0.95  # overlap with the best figure; plus its lead over any other name
EVEN = 1.18  # times as long as high, at most, is as high as long
LONG_NAMES = {"circle": "oval", "square": "rectangle"}  # if its box is not even
SHAPES = (
    *("circle", "oval", "square", "rectangle", "triangle", "diamond", "star", "heart", "cross"),
    *("moon", "arrow", "pentagon", "hexagon"),
)
NEEDS_EVEN = ("star", "hexagon", "pentagon")

Grid = NDArray[np.float32]


def shape_name(silhouette: NDArray[np.bool_]) -> str:
    """bool [h, w], cut to its box -> "circle", "star" ...; "shape" where no figure is sure."""
    h, w = silhouette.shape
    grid = _stretched(filled(silhouette))
    names, figures = _figures()
    both = np.minimum(figures, grid).sum(axis=(1, 2))
    overlap = both / (figures.sum(axis=(1, 2)) + grid.sum() - both)
    best = int(overlap.argmax())
    name = names[best]
    others = [o for other, o in zip(names, overlap.tolist(), strict=True) if other != name]
    even = max(h, w) <= EVEN * min(h, w)
    if overlap[best] < LIKE or 2 * overlap[best] - max(others) < SURE:
        return UNNAMED
    if not even and name in NEEDS_EVEN:
        return UNNAMED
    return name if even else LONG_NAMES.get(name, name)


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Closes holes: pixels that have the shape on all four sides."""
    rows = np.logical_or.accumulate(mask, 1) & np.logical_or.accumulate(mask[:, ::-1], 1)[:, ::-1]
    columns = np.logical_or.accumulate(mask) & np.logical_or.accumulate(mask[::-1])[::-1]
    return rows & columns


def _stretched(mask: NDArray[np.bool_]) -> Grid:
    """bool [h, w] -> the covered share of each cell [SIDE, SIDE]."""
    h, w = mask.shape
    sums = np.pad(mask.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows = _between(sums, np.linspace(0, h, SIDE + 1))
    both = _between(rows.T, np.linspace(0, w, SIDE + 1)).T
    shares = np.diff(np.diff(both, axis=0), axis=1) * (SIDE * SIDE / mask.size)
    return np.asarray(shares, np.float32)


def _between(sums: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of sums [n + 1, m] at fractional positions [k] -> [k, m]."""
    low = np.minimum(edges.astype(np.intp), len(sums) - 2)
    part = (edges - low)[:, None]
    return sums[low] * (1 - part) + sums[low + 1] * part


@cache
def _figures() -> tuple[list[str], Grid]:
    """The names [N] and the stretched figures [N, SIDE, SIDE]."""
    names, grids = [], []
    for name, figure in _drawn():
        names.append(name)
        grids.append(_stretched(_cut(figure)))
    return names, np.stack(grids)


def _cut(figure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, columns = figure.any(1).nonzero()[0], figure.any(0).nonzero()[0]
    return figure[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _drawn() -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yields every figure in its usual positions."""
    points = np.linspace(-1.5, 1.5, SIDE * FINE, dtype=np.float32)
    x, y = points[None, :], -points[:, None]  # y points up
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    yield "circle", radius < 1
    yield "square", np.maximum(abs(x), abs(y)) < 1
    yield "diamond", abs(x) + abs(y) < 1
    for turn in range(4):
        u, v = _turned(x, y, turn * 90)
        yield "triangle", (v > -1) & (v < 1 - 2 * abs(u))
        yield "triangle", (u > -1) & (v > -1) & (u + v < 0)
        shaft = (abs(u) < 0.3) & (v < 0.1) & (v > -1)
        yield "arrow", shaft | ((v >= 0) & (v < 1 - abs(u)))
    for turn in (0, 12, 24, 36, 48, 60):
        for inner in (0.38, 0.48):
            yield "star", radius < _star(angle - np.deg2rad(90 + turn), inner)
    for turn in (-30, 0, 30, 180):
        u, v = _turned(x, y, turn)
        yield "heart", (u * u + v * v - 1) ** 3 < u * u * v**3
        yield "heart", (u * u + (1.25 * v - 0.9 * np.sqrt(abs(u)) + 0.2) ** 2) < 1
    for arm in (0.2, 0.33, 0.45):
        plus = (np.minimum(abs(x), abs(y)) < arm) & (np.maximum(abs(x), abs(y)) < 1)
        yield "cross", plus
        u, v = _turned(x, y, 45)
        yield "cross", (np.minimum(abs(u), abs(v)) < arm) & (np.maximum(abs(u), abs(v)) < 1)
    for sides, name in ((5, "pentagon"), (6, "hexagon")):
        for half in (0.0, 0.5):
            yield name, radius < _polygon(angle - np.deg2rad(90 + half * 360 / sides), sides)
    for degrees in range(0, 360, 30):
        u, v = _turned(x, y, degrees)
        for shift, other in ((0.4, 0.85), (0.5, 1.0), (0.7, 1.0), (0.3, 1.0)):
            yield "moon", (radius < 1) & (np.hypot(u - shift, v) > other)


def _turned(x: Grid, y: Grid, degrees: float) -> tuple[Grid, Grid]:
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return cos * x + sin * y, cos * y - sin * x


def _star(angle: Grid, inner: float) -> Grid:
    """The radius of a star of five points, one of them at angle 0."""
    part = np.pi / 5
    a = abs((angle + part) % (2 * part) - part)  # 0 at a point, `part` between two
    return inner * np.sin(part) / (np.sin(a) + inner * np.sin(part - a)).clip(1e-6)


def _polygon(angle: Grid, sides: int) -> Grid:
    """The radius of a regular polygon with a corner at angle 0."""
    part = np.pi / sides
    return np.cos(part) / np.cos((angle % (2 * part)) - part)
