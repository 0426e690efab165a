"""Views of a video: several clips of it, each cut into several crops; their scores are averaged.

N frames are decoded at the middles of N equal parts. Clip k of K takes every K-th of them, so that
each clip spans the whole video and one clip is what training shows. Three crops are squares at both
ends and in the middle of the longer side; one crop is the whole frame.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]  # [T, H, W, 3]
CROPS = (1, 3)


def views(
    frames: Frames, times: NDArray[np.floating], num_frames: int, clips: int, crops: int
) -> Iterator[tuple[Frames, list[float]]]:
    """Yields `clips` x `crops` views of `num_frames` frames with their times in seconds.

    A short video gives some frames more than once.
    """
    total = num_frames * clips
    for clip in range(clips):
        places = [(i * clips + clip) * len(frames) // total for i in range(num_frames)]
        seconds = [float(times[place]) for place in places]
        for crop in range(crops):
            yield _cropped(frames[places], crop, crops), seconds


def _cropped(frames: Frames, crop: int, crops: int) -> Frames:
    if crops == 1:
        return frames
    H, W = frames.shape[1:3]
    side = min(H, W)
    at = (max(H, W) - side) * crop // (crops - 1)
    return frames[:, :, at : at + side] if W >= H else frames[:, at : at + side]


def chunks(length: int, num_frames: int) -> list[list[int]]:
    """Numbers of the frames of pieces that cover a film; the last piece repeats the last frame."""
    return [
        [min(place, length - 1) for place in range(first, first + num_frames)]
        for first in range(0, length, num_frames)
    ]
