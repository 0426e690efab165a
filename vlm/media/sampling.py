"""Samples a video at the middles of equal segments.

Two rules. `segment_indices` is the published rule of InternVL and PVC, in frame numbers, with its
rounding; use it to reproduce their results. `segment_times` works in seconds: it stays even if the
frame rate is not (phones, screen recordings), so it is the one the assistant uses.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence


def segment_indices(
    num_frames: int,
    num_segments: int,
    fps: float | None = None,
    bound: tuple[float, float] | None = None,
) -> list[int]:
    """Frame numbers as InternVL and PVC choose them (their `get_index`).

    `bound` is (start, end) in seconds and needs `fps`; by default the whole video is sampled.
    The segments lie between the first and the *last frame's number*, num_frames - 1. Short videos
    repeat some numbers.
    """
    if num_frames < 1 or num_segments < 1:
        raise ValueError(
            f"need at least 1 frame and 1 segment, got {num_frames} and {num_segments}"
        )
    first, last = 0, num_frames - 1
    if bound is not None:
        if fps is None:
            raise ValueError("a bound in seconds needs the frame rate: give fps too")
        first = max(first, round(bound[0] * fps))
        last = min(round(bound[1] * fps), last)
        if last < first:
            raise ValueError(f"no frame lies between {bound[0]} s and {bound[1]} s")
    segment = (last - first) / num_segments
    # round() takes halves to the even number, as numpy's does in the published code.
    return [int(first + segment / 2 + round(segment * k)) for k in range(num_segments)]


def segment_times(
    duration: float, num_frames: int, start: float = 0.0, end: float | None = None
) -> list[float]:
    """Returns the middles, in seconds, of `num_frames` equal segments of [start, end].

    For a video of n frames at a constant rate, num_frames = n returns every frame once: the k-th
    time is the middle of the k-th frame.
    """
    if num_frames < 1:
        raise ValueError(f"need at least 1 frame, got {num_frames}")
    start = max(0.0, start)
    end = duration if end is None else min(end, duration)
    if not (math.isfinite(start) and math.isfinite(end)) or end < start:
        raise ValueError(f"no time lies between {start} s and {end} s")
    segment = (end - start) / num_frames
    return [start + segment * (k + 0.5) for k in range(num_frames)]


ON_TIME = 1e-4  # seconds; a frame this little late is on time
ROUNDS = 8  # of spreading by time, before frames are counted instead


def one_for_each_frame(times: Sequence[float], starts: Sequence[float], end: float) -> list[float]:
    """Moves times that fall on one frame to frames that have none, so that none is wasted.

    `starts` are the sorted times at which frames begin to be displayed, `end` is when the last one
    ends. A frame displayed long attracts many times; the first stays, and the others are spread
    evenly over the display time of the remaining frames, again and again until every time has a
    frame of its own or no frame is left.
    """
    ends = [*starts[1:], end]
    chosen: dict[int, float] = {}
    for time in times:
        index = max(bisect.bisect_right(starts, time + ON_TIME) - 1, 0)
        chosen.setdefault(index, time)
    wanted = min(len(times), len(starts))
    for round_ in itertools.count():
        missing = wanted - len(chosen)
        if missing <= 0:
            return sorted(chosen.values())
        rest = [index for index in range(len(starts)) if index not in chosen]
        by_time = round_ < ROUNDS
        weights = [max(ends[i] - starts[i], 0.0) if by_time else 1.0 for i in rest]
        until = list(itertools.accumulate(weights))
        for k in range(missing):
            place = bisect.bisect_right(until, until[-1] * (k + 0.5) / missing)
            index = rest[min(place, len(rest) - 1)]
            chosen[index] = (starts[index] + ends[index]) / 2
    raise AssertionError("unreachable")
