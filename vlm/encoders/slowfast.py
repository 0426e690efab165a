"""SlowFast (arXiv 1812.03982): one clip at two frame rates, in two networks of different width.

The slow path sees T frames with all channels, for appearance; the fast path sees alpha * T frames
with beta = 1/8 of the channels, for motion. Lateral connections carry the fast
path into the slow one, after the stem and after res2, res3 and res4.

    slow <- [slow, lateral(fast)]                                                   Lateral.forward

    conv      a k x 1 x 1 convolution with a stride of alpha and 2 * beta * C channels, BN, ReLU
    reshape   alpha frames of beta * C channels become one of alpha * beta * C (time to channel)
    sample    every alpha-th frame

The result is concatenated to the slow path; time to channel may also be added to it, if alpha *
beta is 1 (`fusion` "reshape-sum"). Published models have convolutions. Bottlenecks are those of
vlm/layers/resnet3d.py; the slow path has kernels in time in res4 and res5 alone, the fast path in
all. With `nonlocal_places` the slow path has non-local blocks (dot product).

Paper and code (PySlowFast) differ in the slow path's frames (`slow_frames`): the paper takes every
alpha-th, the code T of them evenly from the first to the last, though the laterals stride by alpha.
The kernel of the laterals is 5 in the paper, and 7 in one published config (8x8, R50).

The names are frames x stride of the slow path. "r101-50-50" has kernels in time in the first six
blocks of res4 alone; the paper's figures of R101 are those of this form.
The two paths are not aligned to the last frame and convolutions are centered: not causal.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.pyslowfast import MODEL_ZOO, kinetics_preset
from vlm.encoders.strided import StridedEncoder, as_maps, as_tokens
from vlm.layers.conv3d import ConvUnit3d, init_convolutions, num_outputs
from vlm.layers.nonlocal_block import NonLocal, identity_at_start
from vlm.layers.resnet3d import STAGE_DEPTHS, Stage3d
from vlm.unknown_name import check_name

FUSIONS = ("conv", "reshape", "reshape-sum", "sample")


class Lateral(nn.Module):
    """Slow [B, C, T, H, W] and fast [B, C', alpha * T, H, W] -> slow with more channels."""

    def __init__(self, fast_dim: int, slow_dim: int, fusion: str, alpha: int, kernel: int) -> None:
        super().__init__()
        self.fusion, self.alpha = fusion, alpha
        if fusion == "conv":
            self.conv = ConvUnit3d(fast_dim, 2 * fast_dim, (kernel, 1, 1), (alpha, 1, 1))
        # Channels of the slow path behind it.
        added = {"conv": 2 * fast_dim, "reshape": alpha * fast_dim, "sample": fast_dim}
        self.out_dim = slow_dim + added.get(fusion, 0)
        if fusion == "reshape-sum" and alpha * fast_dim != slow_dim:
            raise ValueError(
                f"time to channel gives {alpha * fast_dim} channels, which cannot be added to"
                f" {slow_dim}; alpha must be the slow path's width by the fast path's"
            )

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        if self.fusion == "conv":
            return torch.cat([slow, self.conv(fast)], dim=1)
        if self.fusion == "sample":
            return torch.cat([slow, fast[:, :, :: self.alpha]], dim=1)
        fast = time_to_channel(fast, self.alpha)
        return slow + fast if self.fusion == "reshape-sum" else torch.cat([slow, fast], dim=1)


def time_to_channel(x: Tensor, alpha: int) -> Tensor:
    """[B, C, T, H, W] -> [B, alpha * C, T / alpha, H, W]; the last frame fills up an odd rest."""
    B, C, T, H, W = x.shape
    x = F.pad(x, (0, 0, 0, 0, 0, num_outputs(T, alpha) * alpha - T), mode="replicate")
    x = x.unflatten(2, (-1, alpha)).transpose(2, 3)  # [B, C, alpha, T / alpha, H, W]
    return x.flatten(1, 2)


def kernels(depth: int, kernel: int, num_wide: int | None = None) -> list[int]:
    """Kernels in time of a stage: `kernel` in all bottlenecks, or in the first `num_wide`."""
    wide = depth if num_wide is None else min(num_wide, depth)
    return [kernel] * wide + [1] * (depth - wide)


_preset = partial(kinetics_preset, "slowfast", 2048 + 256, paper="1812.03982", weights=MODEL_ZOO)
R101: dict[str, Any] = {"depths": list(STAGE_DEPTHS[101]), "kernel": 5}
R101_50: dict[str, Any] = {**R101, "num_wide": 6}
PRESETS = {
    "slowfast-r50-8x8": _preset(34_566_488, 32, alpha=4, kernel=7),
    "slowfast-r50-4x16": _preset(34_480_216, 32, alpha=8, kernel=5),
    "slowfast-r50-8x8-nl5": _preset(
        41_838_680, 32, alpha=4, kernel=5, nonlocal_places=[[1, 3], [1, 3, 5]]
    ),
    "slowfast-r101-8x8": _preset(62_826_968, 32, alpha=4, **R101),
    "slowfast-r101-50-50-8x8": _preset(53_774_808, 32, alpha=4, **R101_50),
    "slowfast-r101-50-50-16x8": _preset(53_774_808, 64, alpha=4, **R101_50),
    "slowfast-r101-50-50-16x8-nl3": _preset(
        60_080_088, 64, alpha=4, nonlocal_places=[[], [6, 13, 20]], **R101_50
    ),
    "slowfast-test": Preset(
        TowerConfig(
            encoder="slowfast",
            image_size=64,
            options={"depths": [1, 1, 1, 1], "dim": 8, "alpha": 2, "nonlocal_places": [[], [0]]},
        ),
        parameters=209_015,
        num_frames=4,
    ),
}


class SlowFast(StridedEncoder):
    """A token for alpha frames and 32 x 32 pixels: the slow path's, then the fast path's channels.

    The clip is the fast path's input. Pooled: the means of both paths, 2048 and 256 wide.
    """

    presets = PRESETS
    stride = 32

    def __init__(
        self,
        *,
        depths: Sequence[int] = STAGE_DEPTHS[50],
        dim: int = 64,
        alpha: int = 4,
        beta_inverse: int = 8,
        kernel: int = 7,
        fusion: str = "conv",
        num_wide: int | None = None,
        nonlocal_places: Sequence[Sequence[int]] = ((), ()),
        slow_frames: str = "even",
    ) -> None:
        """`num_wide`: bottlenecks of res4 with a kernel in time, in both paths; None: all.

        `nonlocal_places`: bottlenecks of res3 and of res4 that a non-local block follows.
        """
        super().__init__()
        check_name("fusion", fusion, FUSIONS)
        check_name("choice of frames", slow_frames, ("even", "strided"))
        self.alpha, self.slow_frames = alpha, slow_frames
        self.time_stride = alpha
        fast_dim = dim // beta_inverse
        self.slow_stem = ConvUnit3d(3, dim, (1, 7, 7), (1, 2, 2))
        self.fast_stem = ConvUnit3d(3, fast_dim, (5, 7, 7), (1, 2, 2))
        self.stem_pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), padding=(0, 1, 1))
        laterals = [Lateral(fast_dim, dim, fusion, alpha, kernel)]
        self.slow_stages, self.fast_stages = nn.ModuleList(), nn.ModuleList()
        slow_kernels = (1, 1, 3, 3)
        wide = fast_dim
        for index, depth in enumerate(depths):
            inner, stride = dim * 2**index, 2 if index else 1
            limit = num_wide if index == 2 else None
            places = nonlocal_places[index - 1] if index in (1, 2) else ()
            blocks = {i: NonLocal(4 * inner, 2 * inner, "dot") for i in places}
            times = kernels(depth, slow_kernels[index], limit)
            slow = Stage3d(laterals[-1].out_dim, inner, times, stride, blocks)
            fast = Stage3d(wide, inner // beta_inverse, kernels(depth, 3, limit), stride)
            self.slow_stages.append(slow)
            self.fast_stages.append(fast)
            wide = fast.dim
            if index < len(depths) - 1:
                laterals.append(Lateral(fast.dim, slow.dim, fusion, alpha, kernel))
        self.laterals = nn.ModuleList(laterals)
        self.dim = self.pooled_dim = slow.dim + fast.dim
        init_convolutions(self)
        identity_at_start(self)

    def select(self, clip: Tensor) -> Tensor:
        """Returns the slow path's ceil(T / alpha) of T frames [B, 3, T, H, W]."""
        T = clip.shape[2]
        if self.slow_frames == "strided":
            return clip[:, :, :: self.alpha]
        index = torch.linspace(0, T - 1, num_outputs(T, self.alpha)).long()
        return clip[:, :, index.to(clip.device)]

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        fast = clip.transpose(1, 2)
        slow = self.stem_pool(self.slow_stem(self.select(fast)))
        fast = self.stem_pool(self.fast_stem(fast))
        pyramid = []
        for lateral, slow_stage, fast_stage in zip(
            self.laterals, self.slow_stages, self.fast_stages, strict=True
        ):
            slow = slow_stage(lateral(slow, fast))
            fast = fast_stage(fast)
            pyramid.append(as_maps(slow))
        pooled = torch.cat([x.mean(dim=(2, 3, 4)) for x in (slow, fast)], dim=1)
        # The mean of alpha frames of the fast path stands beside each of the slow path's.
        few = [part.mean(dim=2, keepdim=True) for part in fast.split(self.alpha, dim=2)]
        x = torch.cat([slow, torch.cat(few, dim=2)], dim=1)
        H, W = x.shape[-2:]
        return VideoFeatures(as_tokens(x), (H, W), pooled, tuple(pyramid))
