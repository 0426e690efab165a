"""Reads videos with decord, to reproduce results that others obtained with it.

It runs only in a child process and only on request: decord 0.6.0 (its last release, 2021) loops
forever on some edit lists, aborts on wrong sample counts, returns wrong frames for some intact
files, and bundles an FFmpeg of 2018. It does not report damage, and rotates videos upright but does
not undo mirroring.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.readers.orientation import display_size
from vlm.media.source import Source


def read_frames(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", a "frame" for every distinct frame found, "end"."""
    try:
        import decord
        import numpy as np
    except ImportError:
        raise MediaError(
            'decord is not installed; pip install "revisit-vlm[decord]", or leave the backend at '
            '"auto".'
        ) from None
    path = source.url.removeprefix("file:")
    try:
        first = decord.VideoReader(path, num_threads=1)
        height, width, _ = first[0].shape
        width, height = display_size(width, height, None, request.size)
        reader = decord.VideoReader(path, num_threads=1, width=width, height=height)
        spans = reader.get_frame_timestamp(range(len(reader)))  # [n, (start, end)] in seconds
        begin, duration = float(spans[0, 0]), float(spans[-1, 1] - spans[0, 0])
        times = request.times_in(duration)
        positions = np.searchsorted(spans[:, 0] - begin, np.asarray(times) + 1e-6, side="right") - 1
        indices = sorted({int(max(position, 0)) for position in positions})
        start = {"event": "start", "total": len(times), "turns": 0, "mirror": False}
        yield {**start, "duration": duration, "backend": "decord"}, b""
        for index in indices:
            check()
            frame = np.ascontiguousarray(
                reader[index].asnumpy()
            )  # decord's array bridge is per thread
            time = float(spans[index, 0]) - begin
            head = {"event": "frame", "time": time, "width": width, "height": height}
            yield {**head, "stride": 3 * width}, memoryview(frame.data).cast("B")
    except (decord.DECORDError, RuntimeError, IndexError, ValueError) as error:
        reason = str(error).splitlines()[-1][:200]
        raise MediaError(
            f'{source.name} cannot be read by decord ({reason}); leave the backend at "auto".'
        ) from None
    yield {"event": "end", "damaged": [], "warnings": []}, b""
