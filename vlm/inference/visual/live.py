"""A stream seen frame by frame, in the same time and memory for each.

The causal tower computes a frame once, from the keys and values of the frames before it. A timestep
is a share of a whole clip, and a stream has no end, so a stream is seen as parts of PART frames:
within a part each frame has the timestep, and therefore the tokens, that it has in a film of PART
frames. The tower's cache ends with its part, and of the frames only the latest KEPT stay. (Not in
the paper, whose films are whole.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm.conversation import Clip, Media, Video
from vlm.experts.expert_words import ExpertWords
from vlm.experts.film import film_words
from vlm.experts.findings import Findings
from vlm.inference.caches import Encoded, digest
from vlm.media.decode import MediaInfo
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.timesteps import relative_timesteps

PART = 16  # frames
KEPT = 64  # frames
NO_STREAM = "This model looks at whole films, so it cannot follow a stream."


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A frame as the model saw it."""

    time: float  # seconds from the start of the stream
    pixels: NDArray[np.uint8]  # [S, S, 3]
    timestep: float
    tokens: Tensor  # [M, D]
    findings: tuple[Findings, ...] = ()  # of the experts: one, or none


@dataclass(frozen=True, eq=False)
class Stream:
    """What is kept of a stream. It belongs to the model that has seen it."""

    frames: tuple[LiveFrame, ...] = ()  # the latest
    num_seen: int = 0
    size: tuple[int, int] = (0, 0)  # width and height of a frame
    cache: Any = None  # of the tower, in the part that the next frame continues
    model: object = None

    def info(self, name: str) -> MediaInfo:
        """Describes the frames that are kept as a film."""
        times = [frame.time for frame in self.frames]
        step = (times[-1] - times[0]) / max(len(times) - 1, 1) or 1.0
        width, height = self.size
        duration = times[-1] - times[0] + step
        fps = len(times) / duration
        return MediaInfo(name, "video", width, height, duration, len(times), fps, "live", "raw")

    def latest(self, count: int) -> "Stream":
        """Returns the stream with only the last frames."""
        return replace(self, frames=self.frames[-count:])


@torch.inference_mode()
def see_next(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    words: ExpertWords | None,
    stream: Stream,
    frame: NDArray[np.uint8],
    time: float,
) -> Stream:
    """Looks at the next frame, uint8 [H, W, 3], displayed `time` seconds after the first.

    A stream that another model has seen begins anew. Raises ValueError for a tower that needs
    whole films, and if `time` is not later than that of the frame before.
    """
    if not (model.tower.causal and model.tower.incremental):
        raise ValueError(NO_STREAM)
    if stream.model is not model:
        stream = Stream(model=model)
    if stream.frames and time <= stream.frames[-1].time:
        raise ValueError(f"a frame at {time:g} s cannot follow one at {stream.frames[-1].time:g} s")
    place = stream.num_seen % PART
    scale, form = processor.timestep_scale, processor.timestep_form
    timestep = relative_timesteps(range(PART), scale, form)[place]
    # Before the tower, which takes over what the classifier computes.
    findings = () if words is None else tuple(words.experts(torch.tensor(frame)[None]))
    squares = processor.prepare(Video(frame[None], np.array([time]))).clips[0].frames
    pixels = processor.pixel_values(squares).to(model.device)
    tokens, cache = model.look(pixels, [[timestep]], stream.cache if place else None)
    seen = LiveFrame(time, squares[0], timestep, tokens, findings)
    return replace(
        stream,
        frames=(*stream.frames, seen)[-KEPT:],
        num_seen=stream.num_seen + 1,
        size=(frame.shape[1], frame.shape[0]),
        cache=cache,
    )


def as_film(stream: Stream, count: int, words_per_frame: int) -> Encoded:
    """Returns `count` of the kept frames, evenly spread and the last among them, as a film.

    Their tokens are those computed as they came, which hold something of the frames between, too.
    """
    frames = spread(stream.frames, count)
    findings = [found for frame in frames for found in frame.findings]
    clip = Clip(np.stack([f.pixels for f in frames]), tuple(f.timestep for f in frames))
    times = tuple(frame.time for frame in frames)
    words = film_words(findings, words_per_frame) if findings else ()
    tokens = torch.cat([frame.tokens for frame in frames])
    key = digest("live", times, tokens.float().cpu().numpy())
    media = Media("video", (clip,), times, words)
    return Encoded(media, key, tokens, (), tuple(findings))


def spread(frames: Sequence[LiveFrame], count: int) -> list[LiveFrame]:
    """Returns `count` frames at even distances, the last among them; all if there are fewer."""
    count, whole = min(count, len(frames)), len(frames)
    return [frames[(k + 1) * whole // count - 1] for k in range(count)]
