"""Frames from a pipe in YUV4MPEG2, the plain form in which programs hand on video.

    ffmpeg -f v4l2 -i /dev/video0 -vf fps=4,scale=320:-2 -pix_fmt yuv420p -f yuv4mpegpipe - | ...

A line with the size and the rate, then a line and the planes Y, U, V of each frame. Nothing is
compressed, so nothing needs a decoder, and a frame is there as soon as it is sent.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = b"YUV4MPEG2"
LONGEST_LINE, MOST_PIXELS = 1_000, 2**25


def y4m_frames(pipe: BinaryIO) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yields seconds and uint8 [H, W, 3] until the pipe ends; a frame that is cut off is dropped.

    Raises ValueError, one sentence, for anything else than 8-bit 4:2:0.
    """
    width, height, rate = _header(pipe.readline(LONGEST_LINE))
    half = ((height + 1) // 2, (width + 1) // 2)
    sizes = (height * width, half[0] * half[1], half[0] * half[1])
    number = 0
    while line := pipe.readline(LONGEST_LINE):
        if not line.startswith(b"FRAME"):
            raise ValueError(f"frame {number} of the pipe does not begin with FRAME")
        planes = [_exactly(pipe, size) for size in sizes]
        if any(plane is None for plane in planes):
            return
        y, u, v = (np.frombuffer(plane or b"", np.uint8).astype(np.float32) for plane in planes)
        yield (
            number / rate,
            _rgb(y.reshape(height, width), u.reshape(half), v.reshape(half)),
        )
        number += 1


def _header(line: bytes) -> tuple[int, int, float]:
    """Width, height and frames per second."""
    words = line.split()
    if not words or words[0] != MAGIC:
        raise ValueError("standard input is not YUV4MPEG2; ffmpeg writes it as -f yuv4mpegpipe")
    fields = {word[:1]: word[1:].decode("ascii", "replace") for word in words[1:]}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
        above, below = (int(part) for part in fields.get(b"F", "25:1").split(":"))
        rate = above / below
    except (KeyError, ValueError, ZeroDivisionError):
        raise ValueError("the first line of the pipe has no width, height and rate") from None
    if not 0 < width * height <= MOST_PIXELS or width < 1 or rate <= 0:
        raise ValueError(f"the pipe has frames of {width} x {height} at {rate:g} per second")
    if not fields.get(b"C", "420").startswith("420") or "p1" in fields.get(b"C", "420"):
        raise ValueError(f"the pipe has colors C{fields[b'C']}; add -pix_fmt yuv420p to ffmpeg")
    return width, height, rate


def _exactly(pipe: BinaryIO, size: int) -> bytes | None:
    """So many bytes; None if the pipe ends before."""
    parts, left = [], size
    while left:
        part = pipe.read(left)
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _rgb(y: NDArray, u: NDArray, v: NDArray) -> NDArray[np.uint8]:
    """BT.601 in limited range, as ffmpeg converts without being asked."""
    H, W = y.shape
    u, v = (plane.repeat(2, axis=0).repeat(2, axis=1)[:H, :W] - 128 for plane in (u, v))
    light = 1.164383 * (y - 16)
    rgb = np.stack(
        [light + 1.596027 * v, light - 0.391762 * u - 0.812968 * v, light + 2.017232 * u], axis=-1
    )
    return rgb.round().clip(0, 255).astype(np.uint8)
