"""How pictures and frames become squares, by the name of a prompt's layout.

tiling = TILINGS["internvl"]
tiling.grid(width, height, max_tiles, size)     # (columns, rows), before anything is decoded
tiling.cut(pixels, max_tiles, size)             # uint8 [n, S, S, 3], the whole picture last
tiling.squares(frames, size)                    # uint8 [T, S, S, 3]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm.media.splitting import fit_frames, split_grid, split_image
from vlm.media.squares import choose_grid, resize_frames, tile_image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Tiling:
    """One way to make squares."""

    grid: Callable[[int, int, int, int], tuple[int, int]]
    cut: Callable[[Pixels, int, int], Pixels]
    squares: Callable[[Pixels, int], Pixels]

    def count(self, width: int, height: int, max_tiles: int, size: int) -> int:
        """Returns the number of squares of a picture, the one of the whole picture included."""
        columns, rows = self.grid(width, height, max_tiles, size)
        return columns * rows + (columns * rows > 1)


TILINGS = {
    "internvl": Tiling(choose_grid, tile_image, resize_frames),
    "smolvlm": Tiling(split_grid, split_image, fit_frames),
}
