"""Tokens of several frames at once."""

import torch
from torch import Tensor, nn

from vlm.layers.position import interleaved_sinusoid


def whole_steps(clip: Tensor, step: int) -> Tensor:
    """Continues a clip [B, T, ...] by its last frame until T is a multiple of `step`."""
    missing = -clip.shape[1] % step
    if not missing:
        return clip
    return torch.cat([clip, clip[:, -1:].expand(-1, missing, *clip.shape[2:])], dim=1)


class TubeletEmbedding(nn.Module):
    """Tubes of `num_frames` frames of one patch -> tokens with fixed positions (VideoMAE's)."""

    num_prefix = 0

    def __init__(self, num_frames: int, patch_size: int, dim: int) -> None:
        super().__init__()
        self.num_frames, self.patch_size = num_frames, patch_size
        size = (num_frames, patch_size, patch_size)
        self.patch_embedding = nn.Conv3d(3, dim, size, stride=size)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of tokens of a frame of this size in pixels."""
        return height // self.patch_size, width // self.patch_size

    def num_steps(self, num_frames: int) -> int:
        """Tokens in time of a clip; the last may be of fewer frames."""
        return -(-num_frames // self.num_frames)

    def forward(self, clip: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """[B, T, 3, H, W] -> tokens [B, T', N, C], and the grid of N."""
        clip = whole_steps(clip, self.num_frames).transpose(1, 2)  # [B, 3, T, H, W]
        x = self.patch_embedding(clip)  # [B, C, T', H', W']
        T, H, W = x.shape[2:]
        index = torch.arange(T * H * W, device=x.device).view(T, H * W)
        x = x.flatten(3).permute(0, 2, 3, 1)
        return x + interleaved_sinusoid(index, x.shape[-1]).to(x.dtype), (H, W)
