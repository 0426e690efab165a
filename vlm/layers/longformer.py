"""Attention to a window of neighbors and to one global token (Longformer, arXiv 2004.05150).

    frame   sees `window // 2` frames before and behind it, itself, and the global token
    global  sees everything, by projections of its own

Memory grows with length times window, not with the square of the length.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WindowAttention(nn.Module):
    """The first token is the global one. `one_sided`: frames see no later frame and no CLS.

    A frame that saw the global token would see, from the second layer on, what that one saw.
    """

    def __init__(self, dim: int, num_heads: int, window: int, one_sided: bool = False) -> None:
        super().__init__()
        if dim % num_heads or window % 2:
            raise ValueError(
                f"{num_heads} heads must divide the width {dim}, and a window of {window} be even"
            )
        self.num_heads, self.one_sided = num_heads, one_sided
        self.before = window if one_sided else window // 2
        self.behind = 0 if one_sided else window // 2
        self.qkv = nn.Linear(dim, 3 * dim)
        self.global_qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1 + T, C] -> the same."""
        q, k, v = self._heads(self.qkv(x))  # each [B, heads, 1 + T, d]
        frames = self._in_windows(q[:, :, 1:], k, v)
        q, k, v = self._heads(self.global_qkv(x))
        everything = F.scaled_dot_product_attention(q[:, :, :1], k, v)
        return self.proj(torch.cat([everything, frames], dim=2).transpose(1, 2).flatten(2))

    def _heads(self, qkv: Tensor) -> Tensor:
        return qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)

    def _in_windows(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        T, d = q.shape[2:]
        size = self.before + 1 + self.behind
        around = (0, 0, self.before, self.behind)
        near_k = F.pad(k[:, :, 1:], around).unfold(2, size, 1)  # [B, heads, T, d, window]
        near_v = F.pad(v[:, :, 1:], around).unfold(2, size, 1)
        logits = (q[..., None, :] @ near_k)[..., 0, :] / math.sqrt(d)  # [B, heads, T, window]
        place = torch.arange(T, device=q.device)[:, None] - self.before
        place = place + torch.arange(size, device=q.device)
        logits = logits.masked_fill((place < 0) | (place >= T), -math.inf)
        if self.one_sided:
            return (logits.softmax(-1)[..., None, :] @ near_v.mT)[..., 0, :]
        to_global = q @ k[:, :, :1].mT / math.sqrt(d)  # [B, heads, T, 1]
        weights = torch.cat([to_global, logits], dim=-1).softmax(-1)
        near = (weights[..., None, 1:] @ near_v.mT)[..., 0, :]
        return weights[..., :1] * v[:, :, :1] + near


class LongformerLayer(nn.Module):
    """x = LN1(x + WA(x)); x = LN2(x + MLP(x)): norms behind the branches, as in BERT."""

    def __init__(
        self,
        attn: WindowAttention,
        mlp: nn.Module,
        dim: int,
        norm_eps: float = 1e-12,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.attn, self.mlp = attn, mlp
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1 + T, C] -> the same."""
        x = self.norm1(x + self.dropout(self.attn(x)))
        return self.norm2(x + self.dropout(self.mlp(x)))
