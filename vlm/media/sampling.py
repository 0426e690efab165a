"""Samples a video at the middles of equal segments.

Two rules. `segment_indices` is the published rule of InternVL and PVC, in frame numbers, with its
rounding; use it to reproduce their results. `segment_times` works in seconds: it stays even if the
frame rate is not (phones, screen recordings), so it is the one the assistant uses.
"""

from __future__ import annotations

import math


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
    """The middles, in seconds, of `num_frames` equal segments of [start, end].

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
