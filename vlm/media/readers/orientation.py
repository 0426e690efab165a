"""Which way up a picture is: display matrices, rotation, mirroring, pixels that are not square.

No numpy here: the reading process does without it and so starts in half the time.
"""

from __future__ import annotations

import struct
from fractions import Fraction


def from_display_matrix(matrix: bytes) -> tuple[int, bool] | None:
    """The 36 bytes of a display matrix -> (quarter turns counter-clockwise, mirrored).

    The picture is first mirrored left to right, then turned. None: it is turned by something else
    than a quarter (such files exist, players differ on them).
    """
    a, b, _, c, d, _, *_ = struct.unpack("=9i", matrix[:36])
    # A pixel at (x, y) is shown at (a x + c y, b x + d y), y downwards.
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
    """(width, height) to scale a stored frame to: square pixels, `longest` side at most.

    `pixel_shape` is width / height of one pixel. The short direction is stretched, so nothing is
    lost.
    """
    shape = float(pixel_shape) if pixel_shape else 1.0
    shape = shape if 0.1 <= shape <= 10 else 1.0  # else it is nonsense, or an attack on memory
    wide, high = width * max(shape, 1.0), height * max(1.0 / shape, 1.0)
    scale = 1.0 if longest is None else min(1.0, longest / max(wide, high))
    return max(1, round(wide * scale)), max(1, round(high * scale))
