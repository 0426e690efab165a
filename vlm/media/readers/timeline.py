"""The frames a video really has: how many, their time span, its key frames.

Headers can be wrong (a sample count of 2^31, a duration of zero, half of the file missing), so this
reads the container's index or, without one, the packets, and decodes none.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Any

from av.error import FFmpegError

BREAK = 0.5  # seconds; times that go back further belong to another clip, appended
WALK_BYTES = 128 * 2**20  # above this the header of a file without an index is trusted


@dataclass(frozen=True)
class Timeline:
    """Times in seconds; `start` on the file's own clock, the others relative to it."""

    start: float
    duration: float  # of the readable part
    declared: float  # by the header; 0 if missing
    num_frames: int
    fps: float
    keys: tuple[float, ...]  # empty if unknown
    walked: bool = False  # the packets were read to the end: reopen the file
    broken: bool = False  # its times go back somewhere: do not seek

    def key_before(self, time: float) -> float | None:
        """The last key frame at or before `time`; None if key frames are unknown."""
        index = bisect.bisect_right(self.keys, time + 1e-6)
        return self.keys[index - 1] if index else None


def read_timeline(container: Any, stream: Any, file_bytes: int) -> Timeline:
    """The timeline of an opened PyAV stream. May read packets: seek or reopen before decoding."""
    tick = float(stream.time_base)
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    fps = rate if 0 < rate <= 10_000 else 0.0
    start = (stream.start_time or 0) * tick
    claims = [(stream.duration or 0) * tick, (container.duration or 0) / 1e6]

    entries = [
        (entry.timestamp * tick, entry.is_keyframe, entry.pos + entry.size <= file_bytes)
        for entry in getattr(stream, "index_entries", ())
        if not entry.is_discard
    ]
    if len(entries) > 1:
        # The index is in decoding order and time; a shift brings it to display times, up to the few
        # frames by which B frames are reordered.
        shift = entries[0][0]
        whole = _span([time for time, _, _ in entries])
        close = [claim for claim in claims if abs(claim - whole) <= 0.02 * whole + 3 / (fps or 25)]
        if close:
            readable = [entry for entry in entries if entry[2]]
            here = _span([time for time, _, _ in readable])
            cut = len(readable) < len(entries)
            return Timeline(
                start=start,
                duration=here if cut else close[0],
                declared=close[0],
                num_frames=len(readable),
                fps=len(entries) / whole,
                keys=tuple(time - shift for time, key, _ in readable if key),
            )
    # Fragments, WebM from a browser, streams, wrong headers: read the packets if that is quick.
    declared = claims[1] if 0 < claims[1] < 1e6 else claims[0]
    if file_bytes > WALK_BYTES and 0 < declared < 1e6:
        frames = round(declared * fps) if fps else 0
        return Timeline(start, declared, declared, max(frames, 1), fps, ())
    return _walk(container, stream, declared, fps)


def _walk(container: Any, stream: Any, declared: float, fps: float) -> Timeline:
    tick = float(stream.time_base)
    times, keys = [], []
    offset, last, broken = 0.0, None, False
    try:
        for packet in container.demux(stream):
            time = packet.pts if packet.pts is not None else packet.dts
            if time is None or packet.is_discard:
                continue
            time = time * tick + offset
            if last is not None and time < last - BREAK:
                # Clips joined by `cat`: their times restart, ours continue.
                offset += last + (1 / fps if fps else 0.04) - time
                time, broken = last + (1 / fps if fps else 0.04), True
            last = time
            times.append(time)
            if packet.is_keyframe:
                keys.append(time)
    except FFmpegError:
        pass  # the packets end here; the declared duration reveals what is missing
    if not times:
        return Timeline(0.0, 0.0, declared, 0, fps, (), walked=True)
    times.sort()
    start = times[0]
    duration = _span(times) if len(times) > 1 else (1 / fps if fps else 0.04)
    if abs(declared - start - duration) < 1.0:
        declared -= start  # Matroska counts from zero even if the first frame comes late
    return Timeline(
        start=start,
        duration=duration,
        declared=declared,
        num_frames=len(times),
        fps=len(times) / duration if duration else fps,
        keys=tuple(sorted(key - start for key in keys)),
        walked=True,
        broken=broken,
    )


def _span(times: list[float]) -> float:
    """From the first frame to the end of the last, assumed to last the median step."""
    if len(times) < 2:
        return 0.0
    steps = sorted(later - time for time, later in zip(times, times[1:], strict=False))
    return times[-1] - times[0] + max(steps[len(steps) // 2], 0.0)
