"""Makes squares for the tower: resizes frames and cuts large pictures into tiles.

Frames of any size are resized with PIL's bicubic filter, aspect ratio not kept, as in InternVL. A
large picture is cut by InternVL's dynamic tiling, with its tie rule: the grid of columns x rows
with the aspect ratio closest to the picture's is chosen; the picture is resized to fill it (its own
aspect ratio is *not* kept) and cut row by row. If there is more than one tile, a small version of
the whole picture comes last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize_frames(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """frames [T, H, W, 3] -> [T, S, S, 3]; frames of this size are returned as they are."""
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"expected uint8 [T, H, W, 3], got {frames.dtype} {list(frames.shape)}")
    if frames.shape[1:3] == (size, size):
        return frames
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for index, frame in enumerate(frames):
        out[index] = np.asarray(
            Image.fromarray(frame).resize((size, size), Image.Resampling.BICUBIC)
        )
    return out


def choose_grid(
    width: int, height: int, max_tiles: int, tile_size: int, min_tiles: int = 1
) -> tuple[int, int]:
    """(columns, rows) for a picture of this size, with min_tiles <= columns * rows <= max_tiles."""
    if width < 1 or height < 1 or tile_size < 1:
        raise ValueError(f"sizes must be positive, got {width}x{height}, tiles of {tile_size}")
    if not 1 <= min_tiles <= max_tiles:
        raise ValueError(f"need 1 <= min_tiles <= max_tiles, got {min_tiles} and {max_tiles}")
    grids = [
        (columns, rows)
        for columns in range(1, max_tiles + 1)
        for rows in range(1, max_tiles // columns + 1)
        if columns * rows >= min_tiles
    ]
    grids.sort(key=lambda grid: grid[0] * grid[1])  # few tiles first
    best, best_distance = (1, 1), float("inf")
    for columns, rows in grids:
        distance = abs(width / height - columns / rows)
        # Equally close, say 1x1 and 2x2: the larger grid wins only if the picture would fill more
        # than half of it. (Writing this as "more tiles win" turns a 448 x 448 picture into ten
        # tiles.)
        filled = width * height > 0.5 * tile_size * tile_size * columns * rows
        if distance < best_distance or (distance == best_distance and filled):
            best, best_distance = (columns, rows), distance
    return best


def tile_image(
    pixels: NDArray[np.uint8],
    max_tiles: int,
    tile_size: int,
    thumbnail: bool = True,
    min_tiles: int = 1,
) -> NDArray[np.uint8]:
    """pixels [H, W, 3] -> tiles [n, S, S, 3], row by row, then the thumbnail if n > 1."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"expected uint8 [H, W, 3], got {pixels.dtype} {list(pixels.shape)}")
    H, W, _ = pixels.shape
    S = tile_size
    columns, rows = choose_grid(W, H, max_tiles, S, min_tiles)
    picture = Image.fromarray(pixels)
    whole = np.asarray(picture.resize((columns * S, rows * S), Image.Resampling.BICUBIC))
    tiles = whole.reshape(rows, S, columns, S, 3).swapaxes(1, 2).reshape(-1, S, S, 3)
    if thumbnail and len(tiles) > 1:
        small = np.asarray(picture.resize((S, S), Image.Resampling.BICUBIC))
        tiles = np.concatenate([tiles, small[None]])
    return np.ascontiguousarray(tiles)
