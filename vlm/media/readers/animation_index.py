"""How long each frame of an animation is displayed, by its file's structure: decodes nothing.

Decoding all frames only to count them costs seconds for a long GIF.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from vlm.media.confined.protocol import Check, Request
from vlm.media.pixels import READ_ERRORS
from vlm.media.source import Source

SHORTEST = 10.0  # milliseconds; browsers display such frames for 100 ms, and GIFs rely on that
CHECK_EVERY = 4096  # blocks
INDEX_BYTES = 16 * 2**20  # of an AVIF's tables


@dataclass
class FrameIndex:
    """Seconds each frame is displayed; of the whole frames only, if the file is truncated."""

    lengths: list[float] = field(default_factory=list)
    truncated: bool = False

    def add(self, milliseconds: float) -> None:
        """Adds a frame displayed for so long."""
        self.lengths.append((milliseconds if milliseconds > SHORTEST else 100.0) / 1000)


def index_frames(source: Source, image: Any, request: Request, check: Check) -> FrameIndex:
    """Returns the frames of an opened animation, at most as many as may be walked."""
    index = FrameIndex()
    file = io.BufferedReader(cast(Any, _File(source.fd)), 2**20)
    try:
        _SCANS[source.kind.reader](file, index, _every(CHECK_EVERY, check))
    except (EOFError, IndexError):
        index.truncated = True
    # Pillow counts GIF's frames by the same structure, but slower.
    if source.kind.reader != "GIF" and len(index.lengths) != image.n_frames:
        index = _by_decoding(image, request, check)
    del index.lengths[request.limits.frames_walked :]
    return index


class _File(io.RawIOBase):
    """The file from its beginning, without moving the place at which Pillow reads it."""

    def __init__(self, fd: int) -> None:
        self.fd, self.at = fd, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self.fd, len(buffer), self.at)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset += os.fstat(self.fd).st_size
        self.at = offset + (self.at if whence == os.SEEK_CUR else 0)
        return self.at


def _every(count: int, check: Check) -> Check:
    calls = iter(range(2**62))

    def seldom() -> None:
        if next(calls) % count == 0:
            check()

    return seldom


def _read(file: io.BufferedReader, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _scan_gif(file: io.BufferedReader, index: FrameIndex, check: Check) -> None:
    """Blocks, each a type and sub-blocks of at most 255 bytes."""

    def skip_sub_blocks() -> None:
        while size := _read(file, 1)[0]:
            check()
            file.seek(size, os.SEEK_CUR)

    flags = _read(file, 13)[10]
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)
    delay = 0
    # GIFs without their last byte, ";", are common, and nothing is missing in them.
    while (kind := file.read(1)) not in (b";", b""):
        check()
        if kind == b"!":
            if _read(file, 1) == b"\xf9":  # graphic control
                size = _read(file, 1)[0]
                block = _read(file, size)
                delay = 10 * int.from_bytes(block[1:3], "little")
            skip_sub_blocks()
        elif kind == b",":
            flags = _read(file, 9)[8]
            if flags & 0x80:
                file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)
            _read(file, 1)
            skip_sub_blocks()
            index.add(delay)
            delay = 0


def _chunks(
    file: io.BufferedReader,
    check: Check,
    head: int,
    parse: Callable[[bytes], tuple[bytes, int, int]],
) -> Iterator[tuple[bytes, bytes, bool]]:
    """(type, first bytes, whether it is whole) of each chunk. `parse` gives type, size, padding."""
    end = file.seek(0, os.SEEK_END)
    at = head
    while at + 8 <= end:
        check()
        file.seek(at)
        kind, size, padding = parse(_read(file, 8))
        start = file.read(min(size, 32))
        yield kind, start, at + 8 + size <= end
        at += 8 + size + padding


def _scan_png(file: io.BufferedReader, index: FrameIndex, check: Check) -> None:
    def parse(head: bytes) -> tuple[bytes, int, int]:
        return head[4:], int.from_bytes(head[:4], "big"), 4

    seen_pixels = False
    for kind, start, _ in _chunks(file, check, 8, parse):
        if kind == b"fcTL":
            above, below = int.from_bytes(start[20:22], "big"), int.from_bytes(start[22:24], "big")
            index.add(1000 * above / (below or 100))
        elif kind == b"IDAT" and not seen_pixels:
            seen_pixels = True
            if not index.lengths:
                index.add(0)  # a picture of its own before the animation; Pillow counts it
        elif kind == b"IEND":
            return
    raise EOFError


def _scan_webp(file: io.BufferedReader, index: FrameIndex, check: Check) -> None:
    def parse(head: bytes) -> tuple[bytes, int, int]:
        size = int.from_bytes(head[4:], "little")
        return head[:4], size, size % 2

    for kind, start, whole in _chunks(file, check, 12, parse):
        if not whole:
            raise EOFError
        if kind == b"ANMF":
            index.add(int.from_bytes(start[12:15], "little"))


def _scan_avif(file: io.BufferedReader, index: FrameIndex, check: Check) -> None:
    """The time table of the first track; a track of transparency has the same."""
    at, end = 0, file.seek(0, os.SEEK_END)
    tables = b""
    while at + 8 <= end and not tables:
        file.seek(at)
        head = _read(file, 8)
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"moov":
            tables = _read(file, min(size, INDEX_BYTES))
        if size < 8:
            return
        at += size
    clock, times = tables.find(b"mdhd"), tables.find(b"stts")
    if clock < 0 or times < 0:
        return
    at = clock + (24 if tables[clock + 4] else 16)
    scale = int.from_bytes(tables[at : at + 4], "big") or 1
    for entry in range(min(int.from_bytes(tables[times + 8 : times + 12], "big"), 2**16)):
        at = times + 12 + 8 * entry
        count, ticks = (int.from_bytes(tables[i : i + 4], "big") for i in (at, at + 4))
        for _ in range(min(count, 2**20 - len(index.lengths))):
            index.add(round(1000 * ticks / scale))


_SCANS = {"GIF": _scan_gif, "PNG": _scan_png, "WEBP": _scan_webp, "AVIF": _scan_avif}


def _by_decoding(image: Any, request: Request, check: Check) -> FrameIndex:
    index = FrameIndex()
    for number in range(min(image.n_frames, request.limits.frames_walked)):
        check()
        try:
            image.seek(number)
            image.load()
        except READ_ERRORS:
            index.truncated = True
            break
        index.add(float(image.info.get("duration") or 0))
    return index
