"""The expert for flat drawings: the separate things of icons, diagrams and drawn films.

It names a shape where one figure of geometry is sure, and calls everything else "shape". On
photographs, scans and pages it is silent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlm.experts.colors import CHROMATIC, NAMES, RED, name_pixels
from vlm.experts.drawing.flat import (
    LEVELS,
    SPECK,
    Labels,
    Pixels,
    color_cells,
    drawn_places,
    flatness,
    spread,
)
from vlm.experts.drawing.outlines import filled, shape_name
from vlm.experts.drawing.regions import Mask, regions
from vlm.experts.findings import UNNAMED, Box, Thing

SCORE = 0.9
LONG_SIDE = 192  # pixels at which things are looked for
LEAST = 0.003  # of the picture: smaller places are details
MANY, MANY_DETAILS = 14, 25  # a picture of more is a page, a map, a pattern
# Of the neighbors in all things: fewer are alike in a photograph that was cut out; so many in a
# drawing without any figure.
LEAST_FLAT, DRAWN = 0.1, 0.25
EDGE = 0.08  # of a thing's short side: its outline
LEAST_CORE = 0.12  # of a thing within its outline; a line has less
ONE_COLOR, LINE = 0.75, 0.3  # of a thing within its outline; of a line, which has soft sides
BROAD = 0.3  # of a part without its outermost pixels; lines and soft edges have less
SIZE = 1.4  # times the area of another: as large
INSIDE = 0.9  # of a box in another


def drawings(small: Tensor) -> list[tuple[Thing, ...]]:
    """uint8 [T, 3, H, W] -> the things of each frame that is a flat drawing."""
    step = max(1, round(max(small.shape[2:]) / LONG_SIDE))
    H, W = (side // step * step for side in small.shape[2:])
    parts = small[:, :, :H, :W].reshape(len(small), 3, H // step, step, W // step, step)
    pixels = parts.float().mean(dim=(3, 5)).round().byte().permute(0, 2, 3, 1)
    return [tuple(drawn_things(picture)) for picture in pixels.contiguous().numpy()]


def drawn_things(picture: Pixels) -> list[Thing]:
    """uint8 [H, W, 3] -> its things if it is a flat drawing of a few."""
    found = drawn_places(picture)
    if found is None:
        return []
    labels, number = found
    share = np.bincount(labels.ravel(), minlength=number + 1)[1:] / labels.size
    details = int(((share >= SPECK) & (share < LEAST)).sum())
    large = np.flatnonzero(share >= LEAST) + 1
    if not 0 < len(large) <= MANY or details > MANY_DETAILS:
        return []
    flat = flatness(picture, labels > 0)
    if flat < LEAST_FLAT:
        return []
    things = [thing for n in large for thing in _of_region(picture, labels, int(n))]
    figures = any(thing.name != UNNAMED for thing in things)
    return _as_others(things) if len(things) <= MANY and (figures or flat >= DRAWN) else []


def _of_region(picture: Pixels, labels: Labels, number: int) -> list[Thing]:
    """A region is one thing, or several that touch: figures, and at most one hidden in part."""
    mask = labels == number
    parts = [_thing(picture, part) for part in _parts(picture, mask)]
    unnamed = sum(part.name == UNNAMED for part in parts)
    nested = any(_within(a.box, b.box) for a in parts for b in parts if a is not b)
    if len(parts) > 1 and unnamed <= 1 and not nested:
        return parts
    return [_thing(picture, mask)]


def _parts(picture: Pixels, mask: Mask) -> Iterator[Mask]:
    """The large parts of one color each, without lines and soft edges."""
    where = _window(mask)
    left, cells = mask[where], color_cells(picture[where])
    least = LEAST * mask.size
    for _ in range(MANY):
        alike = _commonest(cells, left)
        labels, number = regions(alike)
        sizes = np.bincount(labels.ravel(), minlength=number + 1)
        large = np.flatnonzero(sizes[1:] >= least) + 1
        if not len(large):
            return
        for n in large:
            part = np.zeros_like(mask)
            part[where] = labels == n
            if _eroded(part[where], 1).sum() >= BROAD * sizes[n]:
                yield part
        left = left & ~alike


def _commonest(cells: NDArray[np.intp], where: Mask) -> Mask:
    """The pixels of about the commonest color of some."""
    one = np.zeros(LEVELS**3, bool)
    one[np.bincount(cells[where], minlength=LEVELS**3).argmax()] = True
    return spread(one.reshape((LEVELS,) * 3)).ravel()[cells] & where


def _thing(picture: Pixels, mask: Mask) -> Thing:
    where = _window(mask)
    inside, pixels = mask[where], picture[where]
    core = _eroded(filled(inside), max(1, round(EDGE * min(inside.shape)))) & inside
    if core.sum() < LEAST_CORE * inside.sum():
        core = inside  # a line
    alike = _commonest(color_cells(pixels), core).sum() / core.sum()
    name = shape_name(inside) if alike >= (ONE_COLOR if core is not inside else LINE) else UNNAMED
    counts = np.bincount(name_pixels(pixels[core]), minlength=len(NAMES)).astype(np.float64)
    counts[RED:] *= CHROMATIC
    return Thing(name, SCORE, _box(mask), NAMES[int(counts.argmax())])


def _as_others(things: Sequence[Thing]) -> list[Thing]:
    """Gives a thing without a name that of several in its color and size."""
    made = []
    for thing in things:
        alike = [
            other.name
            for other in things
            if other.color == thing.color and 1 / SIZE < other.area / thing.area < SIZE
        ]
        common = max(set(alike) - {UNNAMED}, key=alike.count, default=UNNAMED)
        several = thing.name == UNNAMED and alike.count(common) > 1
        made.append(replace(thing, name=common) if several else thing)
    return made


def _window(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _box(mask: Mask) -> Box:
    (H, W), (rows, columns) = mask.shape, _window(mask)
    return columns.start / W, rows.start / H, columns.stop / W, rows.stop / H


def _within(a: Box, b: Box) -> bool:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    area = (a[2] - a[0]) * (a[3] - a[1])
    return max(width, 0.0) * max(height, 0.0) >= INSIDE * area


def _eroded(mask: Mask, by: int) -> Mask:
    """Takes away `by` pixels all around."""
    for axis in (0, 1):
        padding = [(by, by) if a == axis else (0, 0) for a in (0, 1)]
        sums = np.pad(mask, padding).astype(np.intp).cumsum(axis=axis)
        sums = np.pad(sums, [(1, 0) if a == axis else (0, 0) for a in (0, 1)])
        size, n = 2 * by + 1, mask.shape[axis]
        above = np.take(sums, range(size, size + n), axis)
        mask = above - np.take(sums, range(n), axis) == size
    return mask
