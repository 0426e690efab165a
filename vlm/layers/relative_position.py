"""Decomposed relative positions (MViTv2, arXiv 2112.01526, equation 5).

    logits[i, j] += q_i . (R_time[t_i - t_j] + R_rows[h_i - h_j] + R_columns[w_i - w_j])

One table for each axis instead of one for all triples of distances. The paper divides the whole
sum by sqrt(d); the code, followed here, divides q k^T alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.conv3d import Size


class DecomposedPositions(nn.Module):
    """Tables of an attention whose queries and keys may lie on grids of different density."""

    def __init__(self, dim: int, time_rows: int, space_rows: int) -> None:
        """`time_rows` and `space_rows`: distances in the tables; others are interpolated."""
        super().__init__()
        self.time = nn.Parameter(torch.empty(time_rows, dim))
        self.rows = nn.Parameter(torch.empty(space_rows, dim))
        self.columns = nn.Parameter(torch.empty(space_rows, dim))
        for table in (self.time, self.rows, self.columns):
            nn.init.trunc_normal_(table, std=0.02)

    def forward(self, q: Tensor, q_grid: Size, k_grid: Size) -> Tensor:
        """Queries [B, heads, T*H*W, C] of a grid -> logits [B, heads, T*H*W, number of keys]."""
        q = q.unflatten(2, q_grid)  # [B, heads, T, H, W, C]
        tables = (self.time, self.rows, self.columns)
        R_t, R_h, R_w = (distances(*sizes) for sizes in zip(tables, q_grid, k_grid, strict=True))
        time = torch.einsum("bnthwc,tkc->bnthwk", q, R_t)[..., :, None, None]
        rows = torch.einsum("bnthwc,hkc->bnthwk", q, R_h)[..., None, :, None]
        columns = torch.einsum("bnthwc,wkc->bnthwk", q, R_w)[..., None, None, :]
        return (time + rows + columns).flatten(5).flatten(2, 4)


def distances(table: Tensor, num_queries: int, num_keys: int) -> Tensor:
    """Rows of a table [distances, C] for all pairs of one axis -> [queries, keys, C].

    Coordinates are scaled to the finer of both grids; a table of another length is interpolated.
    """
    needed = 2 * max(num_queries, num_keys) - 1
    if len(table) != needed:
        table = F.interpolate(table.T[None], size=needed, mode="linear")[0].T
    q_scale = max(num_keys / num_queries, 1.0)
    k_scale = max(num_queries / num_keys, 1.0)
    queries = torch.arange(num_queries, device=table.device)[:, None] * q_scale
    keys = torch.arange(num_keys, device=table.device)[None] * k_scale
    return table[(queries - keys + (num_keys - 1) * k_scale).long()]
