"""Bottleneck stages of a 3-D ResNet, with non-local blocks between them (PySlowFast's form).

    y = ReLU(shortcut(x) + C(B(A(x))))     A: k x 1 x 1, B: 1 x 3 x 3 with the stride, C: 1 x 1 x 1

Only A sees other frames, with its kernel k in time. The last norm starts at zero.
"""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from vlm.layers.conv3d import ConvUnit3d

# Bottlenecks of res2 to res5 by the depth of the network.
STAGE_DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class Bottleneck3d(nn.Module):
    """[B, dim, T, H, W] -> [B, out_dim, T, H / stride, W / stride]."""

    def __init__(
        self, dim: int, inner_dim: int, out_dim: int, time_kernel: int, stride: int
    ) -> None:
        super().__init__()
        self.a = ConvUnit3d(dim, inner_dim, (time_kernel, 1, 1))
        self.b = ConvUnit3d(inner_dim, inner_dim, (1, 3, 3), (1, stride, stride))
        self.c = ConvUnit3d(inner_dim, out_dim, (1, 1, 1), relu=False)
        nn.init.zeros_(self.c.norm.weight)
        self.shortcut: nn.Module = nn.Identity()
        if dim != out_dim or stride > 1:
            self.shortcut = ConvUnit3d(dim, out_dim, (1, 1, 1), (1, stride, stride), relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.c(self.b(self.a(x))))


class Stage3d(nn.Module):
    """Bottlenecks in a row, the first with the stride; a non-local block may follow any of them."""

    def __init__(
        self,
        dim: int,
        inner_dim: int,
        time_kernels: Sequence[int],
        stride: int,
        nonlocal_blocks: Mapping[int, nn.Module] | None = None,
    ) -> None:
        """`time_kernels` has one number for each bottleneck; `nonlocal_blocks`, index -> block."""
        super().__init__()
        self.dim = 4 * inner_dim
        self.blocks = nn.ModuleList(
            Bottleneck3d(
                self.dim if index else dim,
                inner_dim,
                self.dim,
                kernel,
                1 if index else stride,
            )
            for index, kernel in enumerate(time_kernels)
        )
        blocks = nonlocal_blocks or {}
        self.nonlocal_blocks = nn.ModuleDict({str(i): block for i, block in blocks.items()})

    def forward(self, x: Tensor) -> Tensor:
        for index, block in enumerate(self.blocks):
            x = block(x)
            if str(index) in self.nonlocal_blocks:
                x = self.nonlocal_blocks[str(index)](x)
        return x


def cycled(pattern: Sequence[int], depth: int) -> list[int]:
    """Temporal kernels of `depth` bottlenecks: the pattern, repeated."""
    return [pattern[index % len(pattern)] for index in range(depth)]
