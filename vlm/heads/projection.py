"""Features of an encoder in the space of a text tower: clips, frames and patches.

StreamFormer and Efficient-Prompt have the text's width already, so nothing is added there. Any
other encoder gets one linear layer for each width that differs.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoEncoder, VideoFeatures


class Projections(nn.Module):
    """Clips -> [B, P], frames -> [B, T, P], all of length 1."""

    def __init__(self, tower: VideoEncoder, text_dim: int) -> None:
        super().__init__()
        self.clip = _to(tower.pooled_dim, text_dim)
        self.frame = _to(tower.dim, text_dim)

    def clips(self, features: VideoFeatures) -> Tensor:
        """Returns the feature of each clip, [B, P]."""
        return F.normalize(self.clip(features.pooled).float(), dim=-1)

    def frames(self, tower: VideoEncoder, features: VideoFeatures, num_frames: int) -> Tensor:
        """Returns the feature of each of T frames, [B, T, P].

        It is the encoder's own for a whole frame (`global_token`), or the mean of the frame's
        patches. An encoder that strides time repeats the nearest.
        """
        looked = tower.for_looks(features, num_frames)
        of_frame = looked.global_token
        of_frame = looked.tokens.mean(dim=2) if of_frame is None else of_frame
        return F.normalize(self.frame(of_frame).float(), dim=-1)


def _to(dim: int, text_dim: int) -> nn.Module:
    return nn.Identity() if dim == text_dim else nn.Linear(dim, text_dim)
