"""Makes the unusual files the tests need: every frame carries its own number as a bar code.

The upper half of a frame holds 16 black or white columns, the bits of the frame's number; it
survives every codec used here, so a wrong frame cannot pass for the right one. The lower half is
gray, with a red square in its lower left corner, which reveals a rotated or mirrored picture.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 16


def bar_code(number: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """The frame with this number, uint8 [H, W, 3]."""
    frame = np.full((height, width, 3), 128, np.uint8)
    columns = (np.arange(width) * BITS) // width
    bits = (number >> columns) & 1
    frame[: height // 2] = (bits * 255).astype(np.uint8)[None, :, None]
    frame[-height // 5 :, : width // 5] = (220, 30, 30)
    return frame


def read_bar_code(frame: NDArray[np.uint8]) -> int:
    """The number in a frame of any size."""
    height, width, _ = frame.shape
    row = frame[height // 8 : 3 * height // 8].astype(float).mean(axis=(0, 2))
    centers = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    return int(sum(1 << bit for bit, x in enumerate(centers) if row[x] > 127))


def red_corner(frame: NDArray[np.uint8]) -> str:
    """Which corner is red: "lower left" in an upright frame."""
    height, width, _ = frame.shape
    y, x = height // 10, width // 10
    corners = {
        "upper left": frame[y, x],
        "upper right": frame[y, -x],
        "lower left": frame[-y, x],
        "lower right": frame[-y, -x],
    }
    return max(corners, key=lambda name: int(corners[name][0]) - int(corners[name][2]))


def write_video(
    path: Path,
    frames: int | Sequence[NDArray[np.uint8]] = 60,
    fps: int = 30,
    codec: str = "libx264",
    size: tuple[int, int] = (320, 240),
    pix_fmt: str = "yuv420p",
    gop: int = 30,
    b_frames: int = 0,
    times_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    format: str | None = None,
    sound: float = 0.0,
    last_ms: int | None = None,
    matrix: Sequence[int] | None = None,
) -> Path:
    """Encodes bar-coded (or given) frames; the ending of `path` chooses the container.

    `times_ms` gives every frame its own time (variable frame rate), `last_ms` is how long the last
    one is displayed, `sound` how many seconds of silence go with them, `matrix` a display matrix.
    """
    pictures = (
        (bar_code(number, *size) for number in range(frames)) if isinstance(frames, int) else frames
    )
    choices = {}
    if codec == "libx264":
        parameters = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}"
        choices = {"preset": "ultrafast", "x264-params": parameters}
    elif codec == "libx265":
        choices = {
            "preset": "ultrafast",
            "x265-params": f"log-level=none:pools=none:frame-threads=1:keyint={gop}",
        }
    elif codec in ("libvpx", "libvpx-vp9"):
        choices = {"deadline": "realtime", "cpu-used": "8"}
    elif codec == "libsvtav1":
        choices = {"preset": "11", "svtav1-params": "lp=1"}
    with av.open(str(path), "w", format=format, container_options=container or {}) as output:
        stream = output.add_stream(codec, rate=fps, options={**choices, **(options or {})})
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1  # on few cores, more threads are slower
        stream.codec_context.gop_size = gop
        sounds = {".webm": "libopus", ".avi": "mp3"}.get(path.suffix, "aac")
        audio = output.add_stream(sounds, rate=48000, layout="mono") if sound else None
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        kept: list[av.Packet] = []
        for index, picture in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
                if matrix is not None:
                    stream.set_display_matrix(list(matrix))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            packets = stream.encode(frame)
            if last_ms is None:
                output.mux(packets)
            else:
                kept += packets
        kept += stream.encode()
        last = max(kept, key=lambda packet: packet.pts, default=None)
        for packet in kept:
            if last_ms is not None and packet is last:
                packet.duration = int(Fraction(last_ms, 1000) / packet.time_base)
            output.mux(packet)
        if audio is not None:
            samples = np.zeros((1, round(48000 * sound)), np.float32)
            silence = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            silence.sample_rate = 48000
            output.mux(audio.encode(silence))
            output.mux(audio.encode())
    return path


def patch(path: Path, box: bytes, offset: int, value: bytes) -> Path:
    """Overwrites `value` at `offset` from the type field of the first MP4 box of this type."""
    data = bytearray(path.read_bytes())
    at = data.index(box) + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def lie_about_samples(path: Path) -> Path:
    """Sets the sample count of the time table to 2^31 - 1."""
    return patch(path, b"stts", 12, struct.pack(">I", 0x7FFFFFFF))


def set_edit_list(path: Path, first: float, seconds: float) -> Path:
    """Restricts the video to [first, first + seconds] by an edit list with one entry."""
    data = path.read_bytes()
    movie_scale = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    track_scale = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    old = struct.unpack_from(">i", data, data.index(b"elst") + 16)[0]  # positive with B frames
    patch(path, b"elst", 12, struct.pack(">I", round(seconds * movie_scale)))
    return patch(path, b"elst", 16, struct.pack(">i", old + round(first * track_scale)))


TURNED = {  # display matrices in 16.16 fixed point, the right column 2.30
    90: (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    180: (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    270: (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
    "mirrored": (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
    45: (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30),
}


def set_matrix(path: Path, matrix: Sequence[int]) -> Path:
    """Sets the display matrix of the first track of an MP4 (version 0 of its header)."""
    return patch(path, b"tkhd", 4 + 4 + 20 + 16, struct.pack(">9i", *matrix))
