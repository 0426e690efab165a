"""MViT, versions 1 and 2 (arXiv 2104.11227, 2112.01526): a transformer that pools as it goes.

The tokens of a video are many and alike, and a plain transformer keeps them all at one width. Here
queries, keys and values are pooled by depth-wise convolutions before they meet: keys and values in
every block, queries at the start of a stage, where space halves and channels double. Time is
strided once, in the first convolution.

    q, k, v = P_q(x W_q), P_k(x W_k), P_v(x W_v)          P: vlm/layers/pooling.py
    v1   attn = softmax(q k^T / sqrt(d)) v
    v2   attn = softmax(q k^T / sqrt(d) + E) v + q        E_ij = q_i . (R_t + R_h + R_w)  eq. 4-6
    v1   x = maxpool(x) + attn(LN(x));          x = W_skip LN(x) + MLP(LN(x))   width grows in MLP
    v2   x = maxpool(W_skip LN(x)) + attn(LN(x)); x = x + MLP(LN(x))            width grows in attn
    (W_skip is the identity where the width stays)

v1 learns positions, separately for space, time and the class token; v2 has relative ones alone. The
class token takes part in attention and is not pooled. E is not divided by sqrt(d) and the class
token gets no "+ q": the code (PySlowFast), which torchvision's models equal and the presets follow.
The 24-block preset of v1 has kernels of stride + 1 instead of 3 x 3 x 3, as its published config;
pytorchvideo's norms behind a pooling have eps 1e-5 (`pool_eps`).

Attention is global, so it is neither causal nor cheap for long clips: one clip, one pass.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import IMAGENET_MEAN, IMAGENET_STD, TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.strided import StridedEncoder
from vlm.layers.conv3d import Conv3d, Size
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.mlp import MLP
from vlm.layers.pooled_attention import PooledAttention
from vlm.layers.pooling import max_pool

PATCH_KERNEL, PATCH_STRIDE = (3, 7, 7), (2, 4, 4)


class MViTBlock(nn.Module):
    """A block of either version on tokens [B, 1 + T*H*W, C]; the equations are above."""

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
        drop_path: float,
    ) -> None:
        super().__init__()
        self.version, self.stride = version, (1, q_stride, q_stride)
        middle = out_dim if version == 2 else dim  # the width of the attention
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = PooledAttention(
            dim, middle, num_heads, grid, q_stride, kv_stride, kernel, version, pool_eps
        )
        self.norm2 = nn.LayerNorm(middle, eps=1e-6)
        self.mlp = MLP(middle, 4 * middle, out_dim)
        self.skip = nn.Linear(dim, out_dim) if dim != out_dim else None
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, grid: Size) -> tuple[Tensor, Size]:
        n = self.norm1(x)
        attn, new_grid = self.attn(n, grid)
        if self.skip is not None and self.version == 2:
            x = self.skip(n)
        if self.stride[1] > 1:
            x = max_pool(x, grid, self.stride)
        x = x + self.drop_path(attn)
        n = self.norm2(x)
        if self.skip is not None and self.version == 1:
            x = self.skip(n)
        return x + self.drop_path(self.mlp(n)), new_grid


class SeparablePositions(nn.Module):
    """v1's learned positions: one for each place, one for each time, one for the class token."""

    def __init__(self, dim: int, grid: Size) -> None:
        super().__init__()
        T, H, W = grid
        self.side = H
        self.space = nn.Parameter(0.02 * torch.randn(H * W, dim))
        self.time = nn.Parameter(0.02 * torch.randn(T, dim))
        self.cls = nn.Parameter(0.02 * torch.randn(dim))

    def forward(self, grid: Size) -> Tensor:
        """[1 + T*H*W, C]; a grid of another size gets interpolated ones."""
        T, H, W = grid
        space: Tensor = self.space
        time: Tensor = self.time
        if len(space) != H * W:
            image = space.T.view(1, -1, self.side, self.side).float()
            image = F.interpolate(image, size=(H, W), mode="bicubic")
            space = image.flatten(2)[0].T.to(space.dtype)
        if len(time) != T:
            time = F.interpolate(time.T[None], size=T, mode="linear")[0].T
        return torch.cat([self.cls[None], (time[:, None] + space).flatten(0, 1)])


def _preset(
    parameters: int,
    version: int,
    num_frames: int = 16,
    *,
    image_size: int = 224,
    imagenet: bool = False,
    weights: str = "github.com/facebookresearch/SlowFast (MODEL_ZOO.md, projects/mvitv2)",
    **options: Any,
) -> Preset:
    """Returns a row; `parameters` with a classifier of 400 classes."""
    mean, std = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
    tower = TowerConfig(
        encoder="mvit",
        image_size=image_size,
        options={"version": version, "num_frames": num_frames, **options},
        image_mean=IMAGENET_MEAN if imagenet else mean,
        image_std=IMAGENET_STD if imagenet else std,
    )
    width = 8 * options.get("dim", 96)
    return Preset(
        tower,
        parameters=parameters - (width + 1) * 400,
        paper="2104.11227" if version == 1 else "2112.01526",
        follows="code",
        num_frames=num_frames,
        head={"norm": False, "dropout": 0.5},
        with_head={400: parameters},
        weights=weights,
        weights_license="Apache-2.0",
    )


BASE_24: dict[str, Any] = {"depth": 24, "stage_starts": [2, 5, 21]}
PRESETS = {
    "mvit-v2-s-16x4": _preset(34_537_744, 2),
    "mvit-v1-b-16x4": _preset(36_610_672, 1),
    "mvit-v1-b-32x3": _preset(
        36_611_440, 1, 32, weights="pytorchvideo (dl.fbaipublicfiles.com)", pool_eps=1e-5
    ),
    "mvit-v1-b24-32x3": _preset(53_115_280, 1, 32, **BASE_24, pool_kernel=None),
    "mvit-v2-b-32x3": _preset(51_230_128, 2, 32, **BASE_24),
    "mvit-v2-l-40x3": _preset(
        213_390_112,
        2,
        40,
        image_size=312,
        imagenet=True,
        dim=144,
        num_heads=2,
        depth=48,
        stage_starts=[2, 8, 44],
    ),
    "mvit-v1-test": Preset(
        TowerConfig(
            encoder="mvit",
            image_size=32,
            options={
                "version": 1,
                "dim": 8,
                "depth": 3,
                "stage_starts": [1],
                "num_frames": 4,
                "kv_stride": 2,
            },
        ),
        parameters=13_576,
        num_frames=4,
    ),
    "mvit-v2-test": Preset(
        TowerConfig(
            encoder="mvit",
            image_size=32,
            options={
                "version": 2,
                "dim": 8,
                "depth": 3,
                "stage_starts": [1],
                "num_frames": 4,
                "kv_stride": 2,
            },
        ),
        parameters=13_504,
        num_frames=4,
    ),
}


class MViT(StridedEncoder):
    """A token for two frames and 32 x 32 pixels; pooled is the class token after the last norm."""

    presets = PRESETS
    time_stride = PATCH_STRIDE[0]

    def __init__(
        self,
        *,
        image_size: int = 224,
        num_frames: int = 16,
        version: int = 2,
        dim: int = 96,
        num_heads: int = 1,
        depth: int = 16,
        stage_starts: Sequence[int] = (1, 3, 14),
        kv_stride: int = 8,
        pool_kernel: int | None = 3,
        pool_eps: float = 1e-6,
        drop_path: float = 0.2,
    ) -> None:
        """`kv_stride` is that of the first stage and halves with each; `stage_starts` are blocks.

        `image_size` and `num_frames` set the learned positions; other sizes get interpolated ones.
        """
        super().__init__()
        if version not in (1, 2):
            raise ValueError(f"there is no version {version} of MViT; there are 1, 2")
        self.stride = PATCH_STRIDE[1] * 2 ** len(stage_starts)
        padding = (PATCH_KERNEL[0] // 2, PATCH_KERNEL[1] // 2, PATCH_KERNEL[2] // 2)
        self.patch_embed = Conv3d(3, dim, PATCH_KERNEL, PATCH_STRIDE, padding=padding)
        side = image_size // PATCH_STRIDE[1]
        grid: Size = (max(num_frames // PATCH_STRIDE[0], 1), side, side)
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.positions = SeparablePositions(dim, grid) if version == 1 else None
        blocks: list[MViTBlock] = []
        rates = drop_path_rates(drop_path, depth)
        for index in range(depth):
            starts = index in stage_starts
            if starts:
                num_heads, kv_stride = 2 * num_heads, max(kv_stride // 2, 1)
            q_stride = 2 if starts else 1
            grows = starts if version == 2 else index + 1 in stage_starts
            out_dim = 2 * dim if grows else dim
            blocks.append(
                MViTBlock(
                    dim,
                    out_dim,
                    num_heads,
                    grid,
                    q_stride,
                    kv_stride,
                    pool_kernel,
                    version,
                    pool_eps,
                    rates[index],
                )
            )
            dim = out_dim
            grid = (grid[0], grid[1] // q_stride, grid[2] // q_stride)
        self.blocks: Sequence[MViTBlock] = nn.ModuleList(blocks)  # type: ignore[assignment]
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.dim = self.pooled_dim = dim
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    @classmethod
    def from_config(cls, config: TowerConfig) -> "MViT":
        return cls(image_size=config.image_size, **config.options)

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        return PATCH_STRIDE[1] * 2 ** len(config.options.get("stage_starts", (1, 3, 14)))

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """The class token is also the global token, the same for all T."""
        clip, _ = self.seen(clip, times)
        x = self.patch_embed(clip.transpose(1, 2))  # [B, C, T, H, W]
        B, _, T, H, W = x.shape
        grid: Size = (T, H, W)
        x = torch.cat([self.class_token.expand(B, -1, -1), x.flatten(2).transpose(1, 2)], dim=1)
        if self.positions is not None:
            x = x + self.positions(grid)
        pyramid = []
        for block in self.blocks:
            if block.stride[1] > 1:
                pyramid.append(as_map(x, grid))
            x, grid = self.run(block, x, grid)
        pyramid.append(as_map(x, grid))
        x = self.norm(x)
        cls, tokens = x[:, 0], x[:, 1:].unflatten(1, (grid[0], -1))
        return VideoFeatures(
            tokens, grid[1:], cls, tuple(pyramid), cls[:, None].expand(-1, grid[0], -1)
        )


def as_map(x: Tensor, grid: Size) -> Tensor:
    """[B, 1 + T*H*W, C] -> [B, T, H, W, C]."""
    return x[:, 1:].unflatten(1, grid)
