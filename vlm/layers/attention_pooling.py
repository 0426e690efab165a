"""Pools tokens by attention: SigLIP's MAP head (multihead attention pooling, arXiv 2106.04560)."""

import torch
from torch import Tensor, nn

from vlm.layers.attention import CrossAttention
from vlm.layers.mlp import MLP


class AttentionPooling(nn.Module):
    """p = MHA(probe; x), p + MLP(LN(p)): one learned query for all tokens."""

    def __init__(
        self, dim: int, num_heads: int, mlp_dim: int, activation: str, norm_eps: float
    ) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.randn(1, 1, dim) * dim**-0.5)
        self.attn = CrossAttention(dim, num_heads)
        self.norm = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = MLP(dim, mlp_dim, activation=activation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, C] -> [B, C]."""
        pooled = self.attn(self.probe.expand(len(x), -1, -1), x)
        return (pooled + self.mlp(self.norm(pooled)))[:, 0]
