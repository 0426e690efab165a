"""Scores over a whole film of any length.

A film is looked at every so many seconds. An encoder that streams goes through it once; any other
gets clips of as many frames as it was trained on, each half over the one before, and the scores of
a moment are the mean over the clips that it is in. Memory does not grow with the film.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vlm.heads.classification import clip_pixels, clip_times
from vlm.heads.folder import LoadedVideoText
from vlm.heads.stream import StreamState, can_stream, next_scores
from vlm.media.decode import MediaReader

AT_ONCE = 32  # moments that are decoded together
MOST_MOMENTS = 100_000
Frames = Callable[[Sequence[float]], tuple[NDArray[np.uint8], Sequence[float]]]
Progress = Callable[[int, int], None]  # moments done, and all


@dataclass(frozen=True)
class FilmScores:
    """How likely each text is at each moment."""

    times: tuple[float, ...]  # seconds of T frames
    scores: NDArray[np.float32]  # [T, K], 0 to 1
    duration: float  # seconds


def film_scores(
    loaded: LoadedVideoText,
    path: Path,
    texts: Sequence[str],
    every: float,
    reader: MediaReader,
    task: str = "",
    progress: Progress = lambda done, total: None,
) -> FilmScores:
    """Scores of a film every `every` seconds, of an image at once.

    Raises MediaError if the file cannot be read, and ValueError for too many moments.
    """
    info = reader.probe(path)
    if info.kind == "image":
        picture = reader.read_image(path, square=loaded.config.image_size).pixels[None]
        scores = _of_clip(loaded, np.repeat(picture, loaded.num_frames, axis=0), texts, task)
        return FilmScores((0.0,), scores[-1:], 0.0)
    duration = info.duration or 0.0
    number = max(1, round(duration / every))
    if number > MOST_MOMENTS:
        raise ValueError(f"{path.name} has {number:,} moments; raise --every")
    moments = [(k + 0.5) * duration / number for k in range(number)]

    def read(times: Sequence[float]) -> tuple[NDArray[np.uint8], Sequence[float]]:
        progress(sum(moment < times[0] for moment in moments), number)
        video = reader.read_video(path, times=times, square=loaded.config.image_size)
        return video.frames, video.times.tolist()

    walk = _streamed if can_stream(loaded) else _in_clips
    times, rows = walk(loaded, read, moments, texts, task)
    return FilmScores(tuple(times), rows, duration)


def _chunks(moments: Sequence[float]) -> Iterator[Sequence[float]]:
    return (moments[k : k + AT_ONCE] for k in range(0, len(moments), AT_ONCE))


def _streamed(
    loaded: LoadedVideoText, read: Frames, moments: Sequence[float], texts: Sequence[str], task: str
) -> tuple[list[float], NDArray[np.float32]]:
    state, seconds, rows = StreamState(), list[float](), []
    for chunk in _chunks(moments):
        frames, times = read(chunk)
        new = [k for k, t in enumerate(times) if not seconds or t > seconds[-1]]
        if not new:
            continue  # the film has fewer frames than moments
        scores, state = next_scores(loaded, frames[new], texts, state, task)
        seconds += [times[k] for k in new]
        rows.append(scores)
    return seconds, np.concatenate(rows)


def _in_clips(
    loaded: LoadedVideoText, read: Frames, moments: Sequence[float], texts: Sequence[str], task: str
) -> tuple[list[float], NDArray[np.float32]]:
    T, number = min(loaded.num_frames, len(moments)), len(moments)
    totals = np.zeros((number, len(texts)), np.float32)
    counts = np.zeros((number, 1), np.float32)
    starts = list(range(0, number - T + 1, max(1, T // 2)))
    for start in dict.fromkeys([*starts, number - T]):
        frames, times = read(moments[start : start + T])
        wanted = moments[start : start + T]
        nearest = np.abs(np.subtract.outer(wanted, times)).argmin(axis=1)
        totals[start : start + T] += _of_clip(loaded, frames[nearest], texts, task)
        counts[start : start + T] += 1
    return list(moments), totals / counts


@torch.inference_mode()
def _of_clip(
    loaded: LoadedVideoText, frames: NDArray[np.uint8], texts: Sequence[str], task: str
) -> NDArray[np.float32]:
    """Frames uint8 [T, H, W, 3] -> scores [T, K]."""
    model, T = loaded.model, len(frames)
    short = loaded.num_frames - T  # of an encoder of one length
    frames = np.concatenate([frames, np.repeat(frames[-1:], max(0, short), axis=0)])
    device = next(model.parameters()).device
    clip = clip_pixels(frames, loaded.config)[None].to(device)
    times = clip_times([float(t) for t in range(len(frames))], loaded.config)[None].to(device)
    features = model.features(clip, times)
    return model.frame_scores(features, texts, len(frames), task)[0, :T].cpu().numpy()
