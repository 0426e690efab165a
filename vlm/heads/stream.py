"""Scores of the frames of a stream, in the same time and memory for each.

An encoder that continues from a cache computes a frame once. StreamFormer's cache holds the keys
and values of its window; its scores of a stream equal those of the whole film.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm.encoders.pvc import ProgressiveEncoder
from vlm.heads.classification import clip_pixels
from vlm.heads.folder import LoadedVideoText


def can_stream(loaded: LoadedVideoText) -> bool:
    """Whether frames can come a few at a time; PVC's tower needs to know how many there will be."""
    tower = loaded.model.tower
    return tower.incremental and not isinstance(tower, ProgressiveEncoder)


def check_streams(loaded: LoadedVideoText) -> None:
    """Raises ValueError if frames cannot come a few at a time."""
    if not can_stream(loaded):
        raise ValueError(
            f"{loaded.config.encoder} computes whole clips, so it cannot follow a stream; train"
            " streamformer for that"
        )


@dataclass(frozen=True)
class StreamState:
    """What the frames so far leave for the next one."""

    cache: Any = None
    num_frames: int = 0


@torch.inference_mode()
def next_features(
    loaded: LoadedVideoText, frames: NDArray[np.uint8], state: StreamState
) -> tuple[Tensor, StreamState]:
    """The next frames uint8 [T, H, W, 3] -> features in the text's space [T, P], and the state."""
    check_streams(loaded)
    model, T = loaded.model, len(frames)
    device = next(model.parameters()).device
    clip = clip_pixels(frames, loaded.config)[None].to(device)
    order = torch.arange(state.num_frames, state.num_frames + T, device=device)[None].float()
    features, cache = model.tower.step(clip, order, state.cache)
    return model.embed_frames(features, T)[0], StreamState(cache, state.num_frames + T)


@torch.inference_mode()
def next_scores(
    loaded: LoadedVideoText,
    frames: NDArray[np.uint8],
    texts: Sequence[str],
    state: StreamState,
    task: str = "",
) -> tuple[NDArray[np.float32], StreamState]:
    """The next frames -> probabilities [T, K] of the texts, and the state for those after."""
    features, state = next_features(loaded, frames, state)
    return loaded.model.scores_of_frames(features[None], texts, task)[0].cpu().numpy(), state
