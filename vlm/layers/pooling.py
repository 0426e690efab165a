"""Pooling of tokens on a map of space and time, with a class token that is not pooled (MViT)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.conv3d import Conv3d, Size


def padding_of(kernel: Size) -> Size:
    """Centered padding of a kernel."""
    T, H, W = (size // 2 for size in kernel)
    return T, H, W


def split_class(x: Tensor, grid: Size) -> tuple[Tensor, Tensor]:
    """[..., 1 + T*H*W, C] -> class token [..., 1, C] and map [F, C, T, H, W] with F rows in all."""
    T, H, W = grid
    cls, x = x[..., :1, :], x[..., 1:, :]
    return cls, x.reshape(-1, T, H, W, x.shape[-1]).permute(0, 4, 1, 2, 3)


def join_class(cls: Tensor, x: Tensor) -> tuple[Tensor, Size]:
    """Returns the inverse of `split_class`; also returns the size of the map."""
    T, H, W = x.shape[2:]
    x = x.flatten(2).transpose(1, 2)  # [F, T*H*W, C]
    return torch.cat([cls, x.reshape(*cls.shape[:-2], -1, cls.shape[-1])], dim=-2), (T, H, W)


class ConvPool(nn.Module):
    """P(x) = LN([cls; DWConv(map)]): a depth-wise convolution pools all tokens but the class token.

    The norm is applied to the class token as well (MViT's code).
    """

    def __init__(self, dim: int, kernel: Size, stride: Size, eps: float = 1e-6) -> None:
        super().__init__()
        self.conv = Conv3d(
            dim, dim, kernel, stride, padding=padding_of(kernel), groups=dim, bias=False
        )
        self.norm = nn.LayerNorm(dim, eps=eps)

    def forward(self, x: Tensor, grid: Size) -> tuple[Tensor, Size]:
        """[B, heads, 1 + T*H*W, dim] on a map of size `grid` -> the pooled tokens and their map."""
        cls, maps = split_class(x, grid)
        x, grid = join_class(cls, self.conv(maps))
        return self.norm(x), grid


def max_pool(x: Tensor, grid: Size, stride: Size) -> Tensor:
    """Max-pools all tokens but the first: [B, 1 + T*H*W, C] -> fewer; kernel stride + 1."""
    kernel: Size = tuple(s + 1 if s > 1 else 1 for s in stride)  # type: ignore[assignment]
    cls, maps = split_class(x, grid)
    pooled = F.max_pool3d(maps, kernel, stride, padding=padding_of(kernel))
    return join_class(cls, pooled)[0]
