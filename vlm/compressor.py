"""PVC's adaptive compression: four by four neighbors become one token, conditioned on time.

    x~ = PixelShuffle(x),  v = MLP(AdaLN(x~; x~ + TE))            (PVC, section 3.3)

In PVC-InternVL2-8B the 32 x 32 grid of a look becomes 8 x 8 = 64 tokens of width 16,384, which the
MLP maps to the width of the language model.
"""

from typing import Any

import torch
from torch import Tensor, nn

from vlm.config import CompressorConfig
from vlm.encoders.base import VideoFeatures
from vlm.layers.mlp import MLP
from vlm.layers.norm import AdaLN
from vlm.layers.position import TimestepEmbedding


def pixel_shuffle(tokens: Tensor, grid: tuple[int, int], factor: int) -> Tensor:
    """x~ = PixelShuffle(x) (PVC, section 3.3): [..., H*W, C] -> [..., (H/f)*(W/f), f*f*C].

    Tokens are in row order. The channels of a token are ordered by the row in its square, the
    column, then C (InternVL's order, `ps_version` v2).
    """
    H, W = grid
    if H % factor or W % factor:
        raise ValueError(f"a grid of {H} x {W} patches is not divisible into squares of {factor}")
    *lead, _, C = tokens.shape
    x = tokens.reshape(*lead, H // factor, factor, W // factor, factor, C)
    x = x.transpose(-4, -3)  # [..., H/f, W/f, f, f, C]
    return x.reshape(*lead, (H // factor) * (W // factor), factor * factor * C)


class AdaptiveCompressor(nn.Module):
    """The patches of a look -> its M tokens for the language model (PVC, section 3.3)."""

    def __init__(self, dim: int, out_dim: int, config: CompressorConfig) -> None:
        super().__init__()
        factor, hidden_dim = config.factor, config.mlp_dim or out_dim
        wide = dim * factor * factor
        self.factor = factor
        self.norm: AdaLN | nn.LayerNorm | nn.Identity
        self.time: TimestepEmbedding | None
        if config.adaptive:
            self.time = TimestepEmbedding(wide, config.time_dim)
            self.norm = AdaLN(wide, config.adaln)
        else:
            self.time = None
            self.norm = nn.Identity() if config.linear else nn.LayerNorm(wide)
        self.mlp: Any = (  # an MLP, or one matrix
            nn.Linear(wide, out_dim, bias=False)
            if config.linear
            else MLP(wide, hidden_dim, out_dim)
        )
        # Maps the global token. Saved weights call it `summary`.
        self.summary = (
            nn.Sequential(nn.LayerNorm(dim), MLP(dim, hidden_dim, out_dim))
            if config.global_token
            else None
        )

    def tokens_per_look(self, grid: tuple[int, int]) -> int:
        """M, for a grid of patches."""
        return (grid[0] // self.factor) * (grid[1] // self.factor) + (self.summary is not None)

    def forward(self, features: VideoFeatures, times: Tensor) -> Tensor:
        """v = MLP(AdaLN(x~; x~ + TE)): tokens [B, T, N, C], timesteps [B, T] -> [B, T, M, D].

        A global token comes first.
        """
        x = pixel_shuffle(features.tokens, features.grid, self.factor)  # [B, T, M, wide]
        if self.time is not None:
            x = self.norm(x, x + self.time(times)[:, :, None])
        else:
            x = self.norm(x)
        v = self.mlp(x)
        if self.summary is not None:
            if features.global_token is None:
                raise ValueError("compressor.global_token is set, but this encoder has none")
            v = torch.cat([self.summary(features.global_token)[:, :, None], v], dim=2)
        return v
