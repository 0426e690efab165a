"""Attention of pooled queries, keys and values (MViT, arXiv 2104.11227 and 2112.01526).

q, k, v = P_q(x W_q), P_k(x W_k), P_v(x W_v)          P: vlm/layers/pooling.py
v1   softmax(q k^T / sqrt(d)) v
v2   softmax(q k^T / sqrt(d) + E) v + q               E: vlm/layers/relative_position.py
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.conv3d import Size
from vlm.layers.pooling import ConvPool
from vlm.layers.relative_position import DecomposedPositions


class PooledAttention(nn.Module):
    """Multi-head attention with a class token in front; version 2 has E and "+ q"."""

    def __init__(
        self,
        dim: int,
        out_dim: int,
        num_heads: int,
        grid: Size,
        q_stride: int,
        kv_stride: int,
        kernel: int | None,
        version: int,
        pool_eps: float,
    ) -> None:
        """Strides in space; `kernel` None: one more than the stride, none for a stride of 1."""
        super().__init__()
        self.num_heads, self.version = num_heads, version
        head_dim = out_dim // num_heads
        self.qkv = nn.Linear(dim, 3 * out_dim)
        self.proj = nn.Linear(out_dim, out_dim)

        def pool(stride: int, always: bool) -> ConvPool | None:
            if stride == 1 and (kernel is None or not always):
                return None
            size = stride + 1
            wide: Size = (1, size, size) if kernel is None else (kernel, kernel, kernel)
            return ConvPool(head_dim, wide, (1, stride, stride), pool_eps)

        self.pool_q = pool(q_stride, always=version == 2)
        self.pool_k = pool(kv_stride, always=True)
        self.pool_v = pool(kv_stride, always=True)
        self.positions = None
        if version == 2:
            side = max(grid[1] // q_stride, grid[1] // kv_stride)
            self.positions = DecomposedPositions(head_dim, 2 * grid[0] - 1, 2 * side - 1)

    def forward(self, x: Tensor, grid: Size) -> tuple[Tensor, Size]:
        """[B, 1 + T*H*W, C] on a map of size `grid` -> the same for the queries' map."""
        B, L, _ = x.shape
        qkv = self.qkv(x).view(B, L, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv  # each [B, heads, 1 + T*H*W, C / heads]
        q_grid = k_grid = grid
        if self.pool_q is not None:
            q, q_grid = self.pool_q(q, grid)
        if self.pool_k is not None and self.pool_v is not None:
            k, k_grid = self.pool_k(k, grid)
            v, _ = self.pool_v(v, grid)
        E = None
        if self.positions is not None:
            E = F.pad(self.positions(q[:, :, 1:], q_grid, k_grid), (1, 0, 1, 0))  # 0 for CLS
        attn = F.scaled_dot_product_attention(q, k, v, attn_mask=E)
        if self.version == 2:
            attn = attn + F.pad(q[:, :, 1:], (0, 0, 1, 0))
        return self.proj(attn.transpose(1, 2).flatten(2)), q_grid
