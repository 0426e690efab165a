"""Splits a picture into rows and columns of squares, as SmolVLM and Idefics3 do.

The picture is scaled, up or down, until its longer side is a whole number of squares (four in the
published models); then both sides are stretched to whole numbers of squares, and it is cut row by
row. A small version of the whole picture comes last. All resizing is Lanczos.

The number of squares along the longer side is the root of `max_tiles`: 16 tiles are four of them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST_SIDE = 4096  # pixels, of any picture


def split_grid(width: int, height: int, max_tiles: int, size: int) -> tuple[int, int]:
    """(columns, rows) of a picture of this size."""
    width, height = _whole_squares(*_scaled(width, height, math.isqrt(max_tiles) * size), size)
    return width // size, height // size


def split_image(pixels: NDArray[np.uint8], max_tiles: int, size: int) -> NDArray[np.uint8]:
    """pixels [H, W, 3] -> squares [n, S, S, 3], row by row, then the whole picture if n > 1."""
    picture = Image.fromarray(pixels)
    scaled = _scaled(*picture.size, math.isqrt(max_tiles) * size)
    picture = _resized(picture, scaled)
    picture = _resized(picture, _whole_squares(*scaled, size))
    columns, rows = picture.width // size, picture.height // size
    whole = np.asarray(picture)
    tiles = whole.reshape(rows, size, columns, size, 3).transpose(0, 2, 1, 3, 4)
    tiles = tiles.reshape(rows * columns, size, size, 3)
    if len(tiles) > 1:
        small = np.asarray(_resized(picture, (size, size)))
        tiles = np.concatenate([tiles, small[None]])
    return np.ascontiguousarray(tiles)


def fit_frames(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """frames [T, H, W, 3] -> [T, S, S, 3]: the longer side is scaled to S, then the other."""
    if frames.shape[1:3] == (size, size):
        return frames
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for index, frame in enumerate(frames):
        picture = Image.fromarray(frame)
        picture = _resized(picture, _scaled(*picture.size, size))
        out[index] = np.asarray(_resized(picture, (size, size)))
    return out


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.LANCZOS)


def _scaled(width: int, height: int, longest: int) -> tuple[int, int]:
    """Scales the longer side to `longest` pixels and the other one to an even number."""
    longest = min(longest, LARGEST_SIDE)
    ratio = width / height
    if width >= height:
        width, height = longest, int(longest / ratio)
        height += height % 2
    else:
        width, height = int(longest * ratio), longest
        width += width % 2
    return max(width, 1), max(height, 1)


def _whole_squares(width: int, height: int, size: int) -> tuple[int, int]:
    """Enlarges both sides to multiples of the square."""
    ratio = width / height
    if width >= height:
        width = math.ceil(width / size) * size
        height = math.ceil(int(width / ratio) / size) * size
    else:
        height = math.ceil(height / size) * size
        width = math.ceil(int(height * ratio) / size) * size
    return width, height
