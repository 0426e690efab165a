"""Whether the end of a video file is missing, by the sizes written in its container.

A few reads at the places where the sizes are; nothing is parsed that is not needed for them.
"""

from __future__ import annotations

import os

from vlm.media.source import Source

MOST_BOXES = 100_000  # of a fragmented MP4
UNKNOWN = 0xFFFFFF00  # sizes of AVI chunks from here on were never filled in


def is_truncated(source: Source) -> bool:
    """Returns whether the container declares more bytes than the file has.

    False if it declares none.
    """
    fd, size = source.fd, source.size
    if source.kind.reader == "mov":
        return _mp4_end(fd, size) > size
    if source.kind.reader == "matroska":
        return _segment_end(fd) > size
    if source.kind.reader == "avi":
        return _riff_end(fd, size) > size + 1  # some writers count a padding byte they do not write
    if source.kind.reader == "asf":
        return _asf_end(fd) > size
    if source.kind.reader == "mpegts":
        return _has_part_of_packet(fd, size)
    return False


def _mp4_end(fd: int, size: int) -> int:
    """Returns where the last top-level box ends."""
    at = 0
    for _ in range(MOST_BOXES):
        head = os.pread(fd, 16, at)
        if len(head) < 8:
            return at
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # to the end of the file, or padding
            return size
        at += length
    return size


def _segment_end(fd: int) -> int:
    """Returns where Matroska's segment ends; 0 if its size is unknown (recorded by a browser)."""
    head = os.pread(fd, 4096, 0)
    length, used = _ebml_size(head, 4)
    at = 4 + used + length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    length, used = _ebml_size(head, at + 4)
    return at + 4 + used + length if used and length != 2 ** (7 * used) - 1 else 0


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """(value, bytes used) of a number of variable length; (0, 0) if missing."""
    first = data[at] if at < len(data) else 0
    used = 9 - first.bit_length()
    if not first or at + used > len(data):
        return 0, 0
    return int.from_bytes(data[at : at + used], "big") & (2 ** (7 * used) - 1), used


def _riff_end(fd: int, size: int) -> int:
    """Returns where the last RIFF chunk ends: AVI of more than a gigabyte has several."""
    at = 0
    while at < size:
        head = os.pread(fd, 8, at)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or not 0 < length < UNKNOWN:
            return size
        at += 8 + length + length % 2
    return at


def avi_frames(fd: int, size: int) -> int:
    """Frames of the first video stream by an AVI's index, the empty ones included; 0 without."""
    at, stream = 12, None
    while at + 8 <= size:
        head = os.pread(fd, 12, at)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"idx1":
            index = os.pread(fd, length, at + 8)
            names = [index[i : i + 4] for i in range(0, len(index) - 15, 16)]
            stream = next((name for name in names if name[2:4] in (b"dc", b"db")), None)
            return names.count(stream) if stream else 0
        at += 8 + length + length % 2
    return 0


def _asf_end(fd: int) -> int:
    """Returns the size of the file by its properties; 0 if it was broadcast or has none."""
    head = os.pread(fd, 65536, 0)
    at = head.find(b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65")
    if at < 0 or head[at + 88 : at + 89] == b"\1":
        return 0
    return int.from_bytes(head[at + 40 : at + 48], "little")


def _has_part_of_packet(fd: int, size: int) -> bool:
    """Returns whether a transport stream ends within a packet."""
    head = os.pread(fd, 768, 0)
    length, sync = (188, 0) if head[:1] == head[188:189] == b"\x47" else (192, 4)
    rest = size % length
    return rest > sync and os.pread(fd, 1, size - rest + sync) == b"\x47"
