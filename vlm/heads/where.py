"""Where in a frame what a text means is: the box around its mask.

It takes a head for masks that was trained with a background (`background_weight` above 0): only
such a head can tell where nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm.heads.classification import clip_pixels, clip_times
from vlm.heads.folder import LoadedVideoText
from vlm.heads.video_text import MASKS
from vlm.media.decode import MediaReader


@dataclass(frozen=True)
class Box:
    """Edges as shares of the frame's width and height, 0 to 1, from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def can_locate(loaded: LoadedVideoText) -> bool:
    """Returns whether the encoder has a head for masks that knows the background."""
    return loaded.model.background and any(task in loaded.tasks for task in MASKS)


def mask_task(tasks: Sequence[str]) -> str:
    """The head for masks of a sentence: the one for sentences, else the one for class names."""
    return "referring" if "referring" in tasks else "instances"


def box_at(
    loaded: LoadedVideoText, path: Path, second: float, every: float, text: str, reader: MediaReader
) -> Box | None:
    """The box at one moment of a film, seen with the moments before it; None if nothing is found.

    Raises MediaError if the film cannot be read.
    """
    T = loaded.num_frames
    wanted = [max(0.0, second - every * (T - 1 - k)) for k in range(T)]
    video = reader.read_video(path, times=wanted, square=loaded.config.image_size)
    nearest = np.abs(np.subtract.outer(wanted, video.times)).argmin(axis=1)
    return box_in(loaded, video.frames[nearest], text)


@torch.inference_mode()
def box_in(loaded: LoadedVideoText, frames: NDArray[np.uint8], text: str) -> Box | None:
    """Returns the box in the last of T frames, uint8 [T, H, W, 3]."""
    model, T, size = loaded.model, len(frames), loaded.config.image_size
    device = next(model.parameters()).device
    clip = clip_pixels(frames, loaded.config)[None].to(device)
    times = clip_times([float(t) for t in range(T)], loaded.config)[None].to(device)
    features = model.features(clip, times)
    logits = model.mask_logits(features, [text], T, (size, size), mask_task(loaded.tasks))
    return box_around(logits[0, -1, 0] > 0)


def box_around(mask: Tensor) -> Box | None:
    """Returns the box around the pixels of a mask [H, W]; None of an empty one."""
    H, W = mask.shape
    rows, columns = (torch.nonzero(mask.any(dim=axis)).flatten().tolist() for axis in (1, 0))
    if not rows:
        return None
    return Box(columns[0] / W, rows[0] / H, (columns[-1] + 1) / W, (rows[-1] + 1) / H)
