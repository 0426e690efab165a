"""The frames a video really has: when each is displayed, how long, its key frames.

Headers can be wrong (a sample count of 2^31, a duration of zero, half of the file missing), so this
reads the container's index or, without one, the packets, and decodes none.
"""

from __future__ import annotations

import bisect
import contextlib
import re
from dataclasses import dataclass
from typing import Any

from vlm.media.confined.protocol import Check
from vlm.media.readers.completeness import avi_frames, is_truncated
from vlm.media.readers.packets import Walk, span, walk
from vlm.media.source import Source

GUESSED = ("mpegts", "mpeg")  # FFmpeg guesses their durations; the files do not contain them
WALK_BYTES = 128 * 2**20  # above this the header of a file without an index is trusted
REORDERED = 2000  # with B frames, up to this many packets are read for their display times
OWN_DURATION = ("mov", "avi", *GUESSED)  # by stream, not only of sound and video together
PAUSE = 1.5  # times the usual step: a longer one means the frames are uneven


@dataclass(frozen=True)
class Timeline:
    """Times in seconds; `start` on the file's own clock, the others relative to it."""

    start: float
    duration: float  # of the readable part
    declared: float  # by the header; 0 if missing
    num_frames: int
    fps: float
    keys: tuple[float, ...]  # empty if unknown
    frames: tuple[float, ...] = ()  # when each is displayed; empty if unknown
    truncated: bool = False  # by the container's structure, the end is missing
    walked: bool = False  # the packets were read to the end: reopen the file; `frames` is exact
    broken: bool = False  # its times go back somewhere: do not seek

    def key_before(self, time: float) -> float | None:
        """Returns the last key frame at or before `time`; None if key frames are unknown."""
        index = bisect.bisect_right(self.keys, time + 1e-6)
        return self.keys[index - 1] if index else None

    def end_of(self, time: float) -> float:
        """When the frame displayed at `time` gives way to the next. Needs `frames`."""
        index = bisect.bisect_right(self.frames, time + 1e-4)
        return self.frames[index] if index < len(self.frames) else self.duration


def read_timeline(
    container: Any, stream: Any, source: Source, check: Check, exact: bool = False
) -> Timeline:
    """Returns the timeline of an opened PyAV stream.

    May read packets: seek or reopen before decoding. `exact` reads all packets of a file of any
    size.
    """
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    fps = rate if 0 < rate <= 10_000 else 0.0
    claims = _claims(container, stream, source, fps)
    truncated = is_truncated(source)
    indexed = None if exact else _from_index(stream, source, fps, claims, truncated)
    if indexed is not None:
        return indexed
    # Fragments, WebM from a browser, streams, wrong headers, pauses: read the packets if that is
    # quick.
    declared = next((claim for claim in claims if 0 < claim < 1e6), 0.0)
    if source.size > WALK_BYTES and declared and not exact:
        tick = float(stream.time_base)
        readable = declared
        if source.kind.reader == "avi" and truncated:
            readable = min(declared, (stream.duration or 0) * tick or declared)
        return Timeline(
            start=(stream.start_time or 0) * tick,
            duration=readable,
            declared=declared,
            num_frames=max(round(readable * fps), 1),
            fps=fps,
            keys=(),
            truncated=truncated,
        )
    # Without a duration of the video itself, only the sound shows whether the video or the
    # file ends early.
    sound = source.kind.reader not in OWN_DURATION and "DURATION" not in stream.metadata
    found = walk(container, stream, fps, check, sound)
    return _from_packets(found, source, declared, fps, truncated)


def _claims(container: Any, stream: Any, source: Source, fps: float) -> list[float]:
    """Returns the durations of the video in its headers, in seconds, the most reliable first."""
    tick = float(stream.time_base)
    claims = [(stream.duration or 0) * tick, (container.duration or 0) / 1e6]
    if source.kind.reader == "avi" and fps:  # FFmpeg lowers the duration of a truncated AVI
        claims.insert(0, max(stream.frames / fps, claims[0]))
    # Matroska's own duration includes the sound.
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = map(float, tag.groups())
        claims.insert(0, hours * 3600 + minutes * 60 + seconds)
    return claims


def _from_index(
    stream: Any, source: Source, fps: float, claims: list[float], truncated: bool
) -> Timeline | None:
    """Returns the timeline by the container's index; None if the packets are needed."""
    if source.kind.reader not in ("mov", "avi"):  # others list at most the key frames
        return None
    tick = float(stream.time_base)
    entries = [
        (entry.timestamp * tick, entry.is_keyframe, entry.pos + entry.size <= source.size)
        for entry in getattr(stream, "index_entries", ())
        if not entry.is_discard
    ]
    if len(entries) < 2:
        return None
    # The index is in decoding order and time; a shift brings it to display times, up to the few
    # frames by which B frames are reordered.
    shift = entries[0][0]
    times = [time for time, _, _ in entries]
    whole = span(times)
    close = [claim for claim in claims if abs(claim - whole) <= 0.02 * whole + 3 / (fps or 25)]
    if not close:
        return None
    start = (stream.start_time or 0) * tick
    small = source.size <= WALK_BYTES
    # AVI has decoding times only; its start does not show that frames are displayed later.
    context = stream.codec_context
    late = source.kind.reader == "avi" and (context.has_b_frames or context.name == "h264")
    reordered = late or (len(entries) <= REORDERED and shift < start - tick / 2)
    readable = [entry for entry in entries if entry[2]]
    cut = len(readable) < len(entries)
    if small and not cut and (reordered or _has_pause(times)):
        return None
    return Timeline(
        start=start,
        duration=span([time for time, _, _ in readable]) if cut else close[0],
        declared=close[0],
        num_frames=len(readable),
        fps=len(entries) / whole,
        keys=tuple(time - shift for time, key, _ in readable if key),
        frames=tuple(time - shift for time, _, _ in readable),
        truncated=truncated or cut,
    )


def _has_pause(times: list[float]) -> bool:
    steps = [later - time for time, later in zip(times, times[1:], strict=False)]
    usual = sorted(steps)[len(steps) // 2]
    return max(steps) > PAUSE * usual


def _from_packets(
    found: Walk, source: Source, declared: float, fps: float, truncated: bool
) -> Timeline:
    if not found.times:
        return Timeline(0.0, 0.0, declared, 0, fps, (), truncated=truncated, walked=True)
    start, duration = found.times[0], found.duration
    if abs(declared - start - duration) < 1.0:
        declared -= start  # Matroska counts from zero even if the first frame comes late
    guessed = source.kind.reader in GUESSED and found.finished
    if guessed or found.others_end >= start + declared - 1.0:
        declared = min(declared, duration)  # or the sound is longer than the video
    frames = len(found.times)
    if declared > duration and source.kind.reader == "avi" and not truncated:
        # AVI has no durations: empty frames follow a frame that is displayed longer.
        with contextlib.suppress(OSError, ValueError):
            if avi_frames(source.fd, source.size) >= declared * fps - 1:
                duration = declared
    return Timeline(
        start=start,
        duration=duration,
        declared=declared,
        num_frames=frames,
        fps=frames / duration if duration else fps,
        keys=tuple(sorted(key - start for key in found.keys)),
        frames=tuple(time - start for time in found.times),
        truncated=truncated,
        walked=True,
        broken=found.broken,
    )
