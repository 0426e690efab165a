"""Learned positions of patches, and the embedding of a frame's time."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sinusoid(timesteps: Tensor, dim: int = 256, base: float = 10_000.0) -> Tensor:
    """[...] -> [..., dim]: cosines, then sines, of dim/2 frequencies from 1 down to 1/base.

    As in DiT's timestep embedder, whose sizes match PVC's temporal embedding.
    """
    half = dim // 2
    frequencies = torch.exp(
        -math.log(base) * torch.arange(half, device=timesteps.device, dtype=torch.float32) / half
    )
    angles = timesteps.float()[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def interleaved_sinusoid(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    """[...] -> [..., dim]: sine and cosine in turn, as in "Attention Is All You Need" (3.5)."""
    half = torch.arange(0, dim, 2, device=positions.device, dtype=torch.float32)
    angles = positions.float()[..., None] * base ** (-half / dim)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class TimestepEmbedding(nn.Module):
    """TE = W2 SiLU(W1 t~), t~ the 256-wide sinusoid of the relative timestep (PVC, section 3)."""

    def __init__(self, dim: int, hidden_dim: int | None = None, sinusoid_dim: int = 256) -> None:
        super().__init__()
        self.sinusoid_dim = sinusoid_dim
        self.fc1 = nn.Linear(sinusoid_dim, hidden_dim or dim)
        self.fc2 = nn.Linear(hidden_dim or dim, dim)

    def forward(self, timesteps: Tensor) -> Tensor:
        """[...] -> [..., dim]."""
        t = sinusoid(timesteps, self.sinusoid_dim).to(self.fc1.weight.dtype)
        return self.fc2(F.silu(self.fc1(t)))


def resize_positions(positions: Tensor, grid: tuple[int, int], num_prefix: int = 1) -> Tensor:
    """Resizes learned positions [1, prefix + n*n, C] to another grid: bicubic, as in InternViT."""
    prefix, patches = positions[:, :num_prefix], positions[:, num_prefix:]
    side = math.isqrt(patches.shape[1])
    if (side, side) == grid:
        return positions
    image = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2).float()
    image = F.interpolate(image, size=grid, mode="bicubic", align_corners=False)
    patches = image.permute(0, 2, 3, 1).reshape(1, grid[0] * grid[1], -1).to(positions.dtype)
    return torch.cat([prefix, patches], dim=1)


def resize_times(positions: Tensor, num_frames: int, mode: str = "linear") -> Tensor:
    """Resizes learned positions of frames [1, T, C] to another number of frames.

    `nearest` is TimeSformer's and StreamFormer's way.
    """
    if positions.shape[1] == num_frames:
        return positions
    x = positions.float().transpose(1, 2)  # [1, C, T]
    x = F.interpolate(x, num_frames, mode=mode)
    return x.transpose(1, 2).to(positions.dtype)
