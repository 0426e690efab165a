"""Whether a picture is a flat drawing, and where on its ground something is drawn.

The ground is known by the rim of the picture: the colors that cover much of it, and those that lead
on from them, as in a gradient. A faint color that stands in many places is a pattern of the ground.
A ground without the noise of a camera tells a drawing from a photograph.
"""

import numpy as np
from numpy.typing import NDArray

from vlm.experts.drawing.regions import Mask, regions

Pixels = NDArray[np.uint8]
Labels = NDArray[np.intp]

LEVELS = 16  # of each channel
RIM = 2  # pixels
MUCH, SOME = 0.1, 0.01  # of the rim: to be ground; to go on from a ground
LEAST_GROUND = 0.3  # of the picture
STEP, FLAT = 1, 0.85  # difference of neighbors in a flat color; the share of them in the ground
FAINT, PATTERN = 56, 8  # difference from the ground, of 255; places that make a pattern
SPECK = 0.0004  # of the picture: smaller places are noise


def drawn_places(picture: Pixels) -> tuple[Labels, int] | None:
    """uint8 [H, W, 3] -> what is drawn, as numbered regions [H, W]; None if it is no drawing."""
    cells = color_cells(picture)
    colors = _ground(cells)
    ground = colors.ravel()[cells]
    if ground.mean() < LEAST_GROUND or flatness(picture, ground) < FLAT:
        return None
    labels, number = regions(~ground)
    faint = _faint(picture, ground, labels, number)
    if len(faint) >= PATTERN:
        pattern = np.bincount(cells[np.isin(labels, faint)], minlength=LEVELS**3)
        wider = colors | spread((pattern >= SOME * pattern.sum()).reshape((LEVELS,) * 3))
        labels, number = regions(~wider.ravel()[cells])
    return labels, number


def flatness(picture: Pixels, where: Mask) -> float:
    """The share of neighbors within `where` [H, W] that hardly differ."""
    values = picture.astype(np.int16)
    flat = number = 0
    for near, far in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        pairs = where[near] & where[far]
        flat += int((np.abs(values[near] - values[far]).max(axis=-1) <= STEP)[pairs].sum())
        number += int(pairs.sum())
    return flat / max(number, 1)


def color_cells(pixels: Pixels) -> NDArray[np.intp]:
    """uint8 [..., 3] -> the number of each color's cell among LEVELS ** 3 [...]."""
    level = (pixels // (256 // LEVELS)).astype(np.intp)
    return (level[..., 0] * LEVELS + level[..., 1]) * LEVELS + level[..., 2]


def spread(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Adds the neighbors of cells [LEVELS, LEVELS, LEVELS], at corners too."""
    for axis in range(3):
        wide = np.pad(cells, [(1, 1) if a == axis else (0, 0) for a in range(3)])
        low, middle, high = (np.take(wide, range(k, k + LEVELS), axis) for k in range(3))
        cells = low | middle | high
    return cells


def _ground(cells: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Cells [H, W] -> the colors of the ground [LEVELS, LEVELS, LEVELS]."""
    sides = (cells[:RIM], cells[-RIM:], cells[:, :RIM], cells[:, -RIM:])
    rim = np.concatenate([side.ravel() for side in sides])
    share = np.bincount(rim, minlength=LEVELS**3).reshape((LEVELS,) * 3) / len(rim)
    ground = share >= min(MUCH, share.max())
    while True:
        wider = ground | (spread(ground) & (share >= SOME))
        if np.array_equal(wider, ground):
            return spread(ground)
        ground = wider


def _faint(picture: Pixels, ground: Mask, labels: Labels, number: int) -> NDArray[np.intp]:
    """The numbers of the regions whose mean color is near the ground's."""
    size = np.bincount(labels.ravel(), minlength=number + 1)
    sums = [
        np.bincount(labels.ravel(), weights=picture[..., c].ravel(), minlength=number + 1)
        for c in range(3)
    ]
    means = np.stack(sums) / np.maximum(size, 1)
    near = np.abs(means - picture[ground].mean(axis=0)[:, None]).max(axis=0) < FAINT
    large = size >= SPECK * labels.size
    return np.flatnonzero(near & large)[1:] if near[0] else np.flatnonzero(near & large)
