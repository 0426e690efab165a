"""Frames of any size to the squares the tower takes: PIL's bicubic, shape not kept, as InternVL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize_frames(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """frames [T, H, W, 3] -> [T, S, S, 3]; nothing is done to frames that have the size."""
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
