"""Orientation of a picture: display matrices, rotation, mirroring, non-square pixels.

No numpy here: without it the reading process starts in half the time.
"""

from __future__ import annotations

import struct
from fractions import Fraction


def from_display_matrix(matrix: bytes) -> tuple[int, bool] | None:
    """Converts the 36 bytes of a display matrix to (quarter turns counterclockwise, mirrored).

    The picture is first mirrored left to right, then rotated. None if the angle is not a multiple
    of 90 degrees (such files exist, and players differ on them).
    """
    a, b, _, c, d, _, *_ = struct.unpack("=9i", matrix[:36])
    # A pixel at (x, y) is displayed at (a x + c y, b x + d y), y downwards.
    small = max(abs(v) for v in (a, b, c, d)) / 100  # some writers round their zeros
    signs = tuple((v > small) - (v < -small) for v in (a, b, c, d))
    turned = {
        (1, 0, 0, 1): (0, False),
        (0, -1, 1, 0): (1, False),
        (-1, 0, 0, -1): (2, False),
        (0, 1, -1, 0): (3, False),
        (-1, 0, 0, 1): (0, True),
        (0, 1, 1, 0): (1, True),
        (1, 0, 0, -1): (2, True),
        (0, -1, -1, 0): (3, True),
    }
    return turned.get(signs)


def display_size(
    width: int, height: int, pixel_shape: Fraction | None, longest: int | None
) -> tuple[int, int]:
    """(width, height) to scale a stored frame to: square pixels, sides at most `longest`.

    `pixel_shape` is width / height of one pixel. The short direction is stretched, so no detail is
    lost.
    """
    shape = float(pixel_shape) if pixel_shape else 1.0
    shape = shape if 0.1 <= shape <= 10 else 1.0  # otherwise invalid, or an attack on memory
    wide, high = width * max(shape, 1.0), height * max(1.0 / shape, 1.0)
    scale = 1.0 if longest is None else min(1.0, longest / max(wide, high))
    return max(1, round(wide * scale)), max(1, round(high * scale))
