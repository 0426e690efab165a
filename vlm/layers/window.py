"""Attention in windows of space and time that may be shifted (Video Swin, arXiv 2106.13230).

    attention = softmax(q k^T / sqrt(d) + B + mask) v          B: a table of relative positions

A window of P x M x M tokens is one attention; in every second layer the windows are shifted by half
their size, so that neighbors of two windows meet. Shifting is cyclic; a mask keeps the ends of the
clip apart that it brings together.

On an axis where the window would hold the whole map, the window becomes the map and is not shifted.
Elsewhere the map is padded to whole windows, behind. The released code looks a smaller window's
biases up by slicing the index of the whole window, which is right if time alone shrinks; here each
axis is looked up by its own distance.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.conv3d import Size, num_outputs

MASKED = -100.0  # added to logits between tokens that only the cyclic shift brings together


def fitted(grid: Size, window: Size, shift: Size) -> tuple[Size, Size]:
    """The window and its shift on a map: an axis that fits into the window is one window."""
    fits = [size <= w for size, w in zip(grid, window, strict=True)]
    return (
        tuple(min(size, w) for size, w in zip(grid, window, strict=True)),  # type: ignore[return-value]
        tuple(0 if fit else s for fit, s in zip(fits, shift, strict=True)),
    )


def partition(x: Tensor, window: Size) -> Tensor:
    """[B, T, H, W, C] -> windows [B, number of windows, tokens of a window, C]."""
    B, T, H, W, C = x.shape
    t, h, w = window
    x = x.view(B, T // t, t, H // h, h, W // w, w, C)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(B, -1, t * h * w, C)


def unpartition(x: Tensor, window: Size, grid: Size) -> Tensor:
    """Returns the inverse of `partition`, for a map of size `grid`."""
    T, H, W = grid
    t, h, w = window
    x = x.view(len(x), T // t, H // h, W // w, t, h, w, x.shape[-1])
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(len(x), T, H, W, x.shape[-1])


def shift_mask(grid: Size, window: Size, shift: Size, device: torch.device) -> Tensor:
    """[number of windows, L, L]: MASKED between tokens of different parts of the shifted map."""
    part = torch.zeros(grid, device=device)
    for axis, (size, w, s) in enumerate(zip(grid, window, shift, strict=True)):
        place = torch.arange(size, device=device)
        # Three parts on a shifted axis: before the last window, its rest, what came around.
        index = (place >= size - w).long() + (place >= size - s).long() if s else 0 * place
        shape = [1, 1, 1]
        shape[axis] = size
        part = part * 3 + index.view(shape)
    parts = partition(part[None, ..., None], window)[0, ..., 0]  # [windows, L]
    return MASKED * (parts[:, :, None] != parts[:, None, :])


class RelativeBias3d(nn.Module):
    """A learned logit for each head and each distance in time, rows and columns."""

    def __init__(self, window: Size, num_heads: int) -> None:
        super().__init__()
        self.window = window
        t, h, w = window
        self.table = nn.Parameter(torch.empty((2 * t - 1) * (2 * h - 1) * (2 * w - 1), num_heads))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, window: Size) -> Tensor:
        """Biases [heads, L, L] for a window that is no larger than the table's."""
        index = torch.zeros(1, dtype=torch.long, device=self.table.device)
        axes = [torch.arange(size, device=self.table.device) for size in window]
        places = torch.meshgrid(*axes, indexing="ij")
        for place, whole in zip(places, self.window, strict=True):
            place = place.flatten()
            distance = place[:, None] - place[None, :] + whole - 1
            index = index * (2 * whole - 1) + distance
        return self.table[index].permute(2, 0, 1)


class WindowAttention3d(nn.Module):
    """Multi-head attention in (shifted) windows of a map [B, T, H, W, C]."""

    def __init__(self, dim: int, num_heads: int, window: Size, shift: Size = (0, 0, 0)) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"a width of {dim} is not divisible by {num_heads} heads")
        self.num_heads, self.window, self.shift = num_heads, window, shift
        self.qkv = nn.Linear(dim, 3 * dim)
        self.bias = RelativeBias3d(window, num_heads)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same."""
        T, H, W = x.shape[1:4]
        window, shift = fitted((T, H, W), self.window, self.shift)
        t, h, w = (num_outputs(n, s) * s - n for n, s in zip((T, H, W), window, strict=True))
        x = F.pad(x, (0, 0, 0, w, 0, h, 0, t))
        grid = (T + t, H + h, W + w)
        if any(shift):
            x = x.roll([-s for s in shift], dims=(1, 2, 3))
        x = self.attend(partition(x, window), window, grid, shift)
        x = unpartition(x, window, grid)
        if any(shift):
            x = x.roll(shift, dims=(1, 2, 3))
        return self.proj(x[:, :T, :H, :W])

    def attend(self, x: Tensor, window: Size, grid: Size, shift: Size) -> Tensor:
        """Windows [B, n, L, C] -> their attention, before the last projection."""
        B, n, L, C = x.shape
        qkv = self.qkv(x).view(B * n, L, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B * n, heads, L, C / heads]
        logits = self.bias(window)[None]
        if any(shift):
            mask = shift_mask(grid, window, shift, x.device).to(logits.dtype)
            logits = (logits + mask[:, None]).repeat(B, 1, 1, 1)  # [B * n, heads, L, L]
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=logits)
        return x.transpose(1, 2).reshape(B, n, L, C)
