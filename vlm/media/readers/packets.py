"""Reads a video's packets for the display time of every frame, and decodes none."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any

from av.error import FFmpegError

from vlm.media.confined.protocol import Check

BREAK = 0.5  # seconds; times that go back further belong to another clip, appended
REORDER = 32  # frames; no codec displays a frame later than this many others (H.264: 16, as fields)


@dataclass
class Walk:
    """Times in seconds, sorted. Where clips were joined, the times of the first go on."""

    times: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    duration: float = 0.0  # from the first frame to the end of the last
    others_end: float = 0.0  # where the last packet of another stream, usually sound, ends
    broken: bool = False  # clips were joined
    finished: bool = False  # the end of the file was reached


def walk(container: Any, stream: Any, fps: float, check: Check, sound: bool = False) -> Walk:
    """Reads to the end, or to the first packet that cannot be read; with `sound`, sound too."""
    tick = float(stream.time_base)
    streams = [stream, *container.streams.audio] if sound else [stream]
    found, step = Walk(), 1 / fps if fps else 0.04
    offset, decoded, longest = 0.0, None, 0.0
    first = 0  # of the clip's times in found.times
    try:
        for number, packet in enumerate(container.demux(streams)):
            if number % 256 == 0:
                check()
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or packet.is_discard:
                continue
            if packet.stream.index != stream.index:
                end = (stamp + (packet.duration or 0)) * float(packet.time_base)
                found.others_end = max(found.others_end, end)
                continue
            time = stamp * tick + offset
            if _goes_back(packet, decoded, time, found.times, first, tick):
                # Clips joined by `cat`: their times restart, ours continue.
                offset += found.times[-1] + step - time
                time, found.broken, first = found.times[-1] + step, True, len(found.times)
            decoded = packet.dts if packet.dts is not None else decoded
            if not found.times or time >= found.times[-1]:
                longest = (packet.duration or 0) * tick
                found.times.append(time)
            else:
                bisect.insort(found.times, time)  # a B frame: near the end, so this is quick
            if packet.is_keyframe:
                found.keys.append(time)
        found.finished = True
    except FFmpegError:
        pass  # the packets end here; the declared duration reveals what is missing
    times = found.times
    if times:
        usual = span(times) - (times[-1] - times[0]) if len(times) > 1 else longest or step
        found.duration = times[-1] - times[0] + max(usual, longest)
    return found


def _goes_back(
    packet: Any, decoded: int | None, time: float, times: list[float], first: int, tick: float
) -> bool:
    """Returns whether another clip begins with this packet.

    Packets come in decoding order, so a B frame's time may be seconds before the one ahead of it,
    in slow videos and around a still; the decoding time never goes back within a clip.
    """
    if not times or time >= times[-1] - BREAK:
        return False
    if packet.dts is not None and decoded is not None:
        return (packet.dts - decoded) * tick < -BREAK
    return packet.is_keyframe and time <= times[max(first, len(times) - REORDER)]


def span(times: list[float]) -> float:
    """From the first frame to the end of the last, assumed to last the median step."""
    if len(times) < 2:
        return 0.0
    steps = sorted(later - time for time, later in zip(times, times[1:], strict=False))
    return times[-1] - times[0] + max(steps[len(steps) // 2], 0.0)
