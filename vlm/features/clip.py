"""A file in, an encoder's features of it out, with the seconds that they belong to."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm.features.choose import ChosenEncoder
from vlm.heads.classification import clip_pixels, clip_times
from vlm.inference.visual.media_thread import longest_side
from vlm.media.collect import Progress
from vlm.media.decode import MediaReader


@dataclass(frozen=True)
class Sampling:
    """How a file becomes a clip of an encoder."""

    num_frames: int  # of a video, at the middles of equal segments; a shorter one gives all it has
    size: int  # S, of square frames in pixels
    looks: int = 1  # at an image
    crop: bool = False  # the middle square of a frame; otherwise all of it, squeezed


@dataclass(frozen=True)
class ClipFeatures:
    """An encoder's features of one clip, float32; times in seconds from the first frame."""

    pooled: Tensor  # [P]
    tokens: Tensor | None  # [T', H*W, C]; None if they were left out
    grid: tuple[int, int]  # H, W
    times: Tensor  # [T] of the frames, float64
    token_times: Tensor  # [T'] of the tokens: the mean time of the frames that each stands for
    global_token: Tensor | None = None  # [T', C] of each whole frame, where an encoder has one
    warnings: tuple[str, ...] = ()  # damage found in the file


def default_sampling(encoder: ChosenEncoder) -> Sampling:
    """Returns the number and size of frames that the encoder was made for."""
    return Sampling(encoder.num_frames, encoder.config.image_size, encoder.looks)


@torch.inference_mode()
def encode_clip(
    encoder: ChosenEncoder,
    path: Path,
    sampling: Sampling | None = None,
    reader: MediaReader | None = None,
    progress: Progress | None = None,
) -> ClipFeatures:
    """Features of a video or an image. Raises MediaError if the file cannot be read.

    `reader` keeps a process ready for the next file. ValueError if the encoder does not take this
    number of frames.
    """
    sampling = sampling or default_sampling(encoder)
    if reader is None:
        with MediaReader() as own:
            return encode_clip(encoder, path, sampling, own, progress)
    frames, seconds, warnings = _read(path, sampling, reader, progress)
    config = replace(encoder.config, image_size=sampling.size)
    device = next(encoder.tower.parameters()).device
    clip = clip_pixels(_middle(frames) if sampling.crop else frames, config)[None].to(device)
    order = seconds if len(frames) > 1 else [float(look) for look in range(len(seconds))]
    features = encoder.tower(clip, clip_times(order, config)[None].to(device))
    cls = features.global_token
    return ClipFeatures(
        _alone(features.pooled),
        _alone(features.tokens),
        features.grid,
        torch.tensor(seconds, dtype=torch.float64),
        torch.tensor(encoder.tower.token_times(seconds), dtype=torch.float64),
        None if cls is None else _alone(cls),
        warnings,
    )


def _alone(batch: Tensor) -> Tensor:
    """Returns the only row, with memory of its own: outputs may be views of one another."""
    return batch[0].float().cpu().clone()


def _read(
    path: Path, sampling: Sampling, reader: MediaReader, progress: Progress | None
) -> tuple[NDArray[np.uint8], list[float], tuple[str, ...]]:
    """Frames [T, H, W, 3], their seconds (of an image: 0 for each look), damage in sentences."""
    info = reader.probe(path)
    if info.kind == "image":
        picture = reader.read_image(path)
        return picture.pixels[None], [0.0] * sampling.looks, picture.warnings
    size = longest_side(info.width, info.height, sampling.size)
    video = reader.read_video(path, sampling.num_frames, size=size, progress=progress)
    return video.frames, video.times.tolist(), (*video.damaged, *video.warnings)


def _middle(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the largest square in the middle of frames [T, H, W, 3]."""
    H, W = frames.shape[1:3]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    return frames[:, top : top + side, left : left + side]
