"""R(2+1)D and the networks it was compared with (arXiv 1711.11248): where does time belong?

One residual network of basic blocks in five groups; each group is of one of three kinds:

    2d       1 x 3 x 3, each frame by itself; strides in space alone
    3d       3 x 3 x 3
    2plus1d  1 x 3 x 3 to M channels, BN, ReLU, then 3 x 1 x 1: as many parameters as 3d, twice
             the nonlinearities, and easier to optimize

    R2D      all 2d; the stem mixes all L frames into one (L x 7 x 7 without temporal padding)
    f-R2D    all 2d; frames meet in the mean at the end
    R3D      all 3d
    MCx      groups before x are 3d, from x on 2d: motion is a matter of early layers
    rMCx     groups before x are 2d, from x on 3d: motion is a matter of late layers
    R(2+1)D  all 2plus1d

    y = ReLU(shortcut(x) + BN(conv(ReLU(BN(conv(x))))))                          BasicBlock.forward
    M = floor(27 c_in c_out / (9 c_in + 3 c_out))                                equation in 3.5

The paper and its code (VMZ) compute M for each convolution; torchvision's r2plus1d_18 computes one
M for both convolutions of a block, from the first (`middle` "block"). VMZ's BatchNorm has eps 1e-3,
torchvision's 1e-5 (`norm_eps`). The stem's M is 45 in both. Frames of 112 px; no pooling after the
stem.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.strided import StridedEncoder, as_maps, as_tokens
from vlm.layers.conv3d import Conv3d, ConvUnit3d, Size, init_convolutions

KINDS = ("2d", "3d", "2plus1d")
KINETICS_MEAN, KINETICS_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


def middle_dim(dim: int, out_dim: int) -> int:
    """M: a 2plus1d convolution has as many parameters as a 3 x 3 x 3 one (section 3.5)."""
    return 27 * dim * out_dim // (9 * dim + 3 * out_dim)


def conv(kind: str, dim: int, out_dim: int, stride: int, middle: int, eps: float) -> nn.Module:
    """A 3-wide convolution of a kind, with its stride and centered padding, without norm."""

    def plain(dim: int, out_dim: int, kernel: Size, stride: Size) -> nn.Conv3d:
        T, H, W = (size // 2 for size in kernel)
        return Conv3d(dim, out_dim, kernel, stride, padding=(T, H, W), bias=False)

    if kind == "2d":
        return plain(dim, out_dim, (1, 3, 3), (1, stride, stride))
    if kind == "3d":
        return plain(dim, out_dim, (3, 3, 3), (stride, stride, stride))
    return nn.Sequential(
        ConvUnit3d(dim, middle, (1, 3, 3), (1, stride, stride), eps=eps),
        plain(middle, out_dim, (3, 1, 1), (stride, 1, 1)),
    )


class BasicBlock(nn.Module):
    """[B, dim, T, H, W] -> [B, out_dim, T', H', W']."""

    def __init__(
        self, kind: str, dim: int, out_dim: int, stride: int, middle: str, eps: float
    ) -> None:
        super().__init__()
        first, second = middle_dim(dim, out_dim), middle_dim(out_dim, out_dim)
        if middle == "block":
            second = first
        self.conv1 = conv(kind, dim, out_dim, stride, first, eps)
        self.norm1 = nn.BatchNorm3d(out_dim, eps=eps)
        self.conv2 = conv(kind, out_dim, out_dim, 1, second, eps)
        self.norm2 = nn.BatchNorm3d(out_dim, eps=eps)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or dim != out_dim:
            strides = (1 if kind == "2d" else stride, stride, stride)
            self.shortcut = ConvUnit3d(dim, out_dim, (1, 1, 1), strides, relu=False, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return F.relu(self.shortcut(x) + y)


def stem(kind: str, dim: int, frames: int | None, eps: float) -> nn.Module:
    """conv1: 7 x 7 with a stride of 2; with `frames`, that many frames become one."""
    if frames is not None:
        whole = Conv3d(3, dim, (frames, 7, 7), (1, 2, 2), padding=(0, 3, 3), bias=False)
        return nn.Sequential(whole, nn.BatchNorm3d(dim, eps=eps), nn.ReLU())
    if kind == "2plus1d":
        middle = 45 * dim // 64
        return nn.Sequential(
            ConvUnit3d(3, middle, (1, 7, 7), (1, 2, 2), eps=eps),
            ConvUnit3d(middle, dim, (3, 1, 1), eps=eps),
        )
    return ConvUnit3d(3, dim, (1 if kind == "2d" else 3, 7, 7), (1, 2, 2), eps=eps)


def _preset(parameters: int, num_frames: int = 16, weights: str = "none", **options: Any) -> Preset:
    """Returns a row; `parameters` with a classifier of 400 classes, as in the paper's table."""
    return Preset(
        TowerConfig(
            encoder="r2plus1d",
            image_size=112,
            image_mean=KINETICS_MEAN,
            image_std=KINETICS_STD,
            options=options,
        ),
        parameters=parameters - 513 * 400,
        paper="1711.11248",
        follows="code" if "middle" in options else "paper and code",
        num_frames=num_frames,
        head={"norm": False},
        with_head={400: parameters},
        weights=weights,
        weights_license="none" if weights == "none" else "BSD-3-Clause",
    )


def _kinds(first: str, num_first: int, then: str) -> list[str]:
    return [first] * num_first + [then] * (5 - num_first)


TORCHVISION = "torchvision (download.pytorch.org/models)"
DEEP = [3, 4, 6, 3]
# Names: the study's, then the depth. MC3 has two groups of 3d convolutions, conv1 and conv2.
PRESETS = {
    "r2plus1d-18": _preset(33_370_839),
    "r2plus1d-r2d-18-8f": _preset(11_447_568, 8, kinds=["2d"] * 5, stem_frames=8),
    "r2plus1d-r2d-18-16f": _preset(11_522_832, 16, kinds=["2d"] * 5, stem_frames=16),
    "r2plus1d-fr2d-18": _preset(11_381_712, kinds=["2d"] * 5),
    "r2plus1d-mc2-18": _preset(11_400_528, kinds=_kinds("3d", 1, "2d")),
    "r2plus1d-mc3-18": _preset(11_695_440, kinds=_kinds("3d", 2, "2d")),
    "r2plus1d-mc4-18": _preset(12_727_632, kinds=_kinds("3d", 3, "2d")),
    "r2plus1d-mc5-18": _preset(16_856_400, kinds=_kinds("3d", 4, "2d")),
    "r2plus1d-rmc2-18": _preset(33_352_656, kinds=_kinds("2d", 1, "3d")),
    "r2plus1d-rmc3-18": _preset(33_057_744, kinds=_kinds("2d", 2, "3d")),
    "r2plus1d-rmc4-18": _preset(32_025_552, kinds=_kinds("2d", 3, "3d")),
    "r2plus1d-rmc5-18": _preset(27_896_784, kinds=_kinds("2d", 4, "3d")),
    "r2plus1d-r3d-18": _preset(33_371_472, kinds=["3d"] * 5),
    "r2plus1d-r3d-34": _preset(63_681_104, 32, kinds=["3d"] * 5, depths=DEEP),
    "r2plus1d-34": _preset(63_697_175, 32, depths=DEEP),
    "r2plus1d-r3d-18-torchvision": _preset(
        33_371_472, weights=TORCHVISION, kinds=["3d"] * 5, norm_eps=1e-5
    ),
    "r2plus1d-mc3-18-torchvision": _preset(
        11_695_440, weights=TORCHVISION, kinds=_kinds("3d", 2, "2d"), norm_eps=1e-5
    ),
    "r2plus1d-18-torchvision": _preset(
        31_505_325, weights=TORCHVISION, middle="block", norm_eps=1e-5
    ),
    "r2plus1d-test": Preset(
        TowerConfig(
            encoder="r2plus1d",
            image_size=32,
            options={"kinds": ["2plus1d", "3d", "2plus1d"], "depths": [1, 1], "dim": 8},
        ),
        parameters=14_993,
        num_frames=4,
    ),
}


class R2Plus1D(StridedEncoder):
    """Any network of the study; a token for T / time_stride frames and 16 x 16 pixels."""

    presets = PRESETS

    def __init__(
        self,
        *,
        kinds: Sequence[str] = ("2plus1d",) * 5,
        depths: Sequence[int] = (2, 2, 2, 2),
        dim: int = 64,
        stem_frames: int | None = None,
        middle: str = "conv",
        norm_eps: float = 1e-3,
    ) -> None:
        """`kinds` of conv1 to conv5; `stem_frames`: R2D's L, the number of frames of every clip."""
        super().__init__()
        if unknown := set(kinds) - set(KINDS):
            raise ValueError(f"no convolution {sorted(unknown)}; there are {', '.join(KINDS)}")
        self.stem_frames = stem_frames
        self.stem = stem(kinds[0], dim, stem_frames, norm_eps)
        self.stride, self.time_stride = 2 ** len(depths), 1
        stages = []
        wide = dim
        for index, (kind, depth) in enumerate(zip(kinds[1:], depths, strict=True)):
            out_dim, stride = dim * 2**index, 2 if index else 1
            if kind != "2d":
                self.time_stride *= stride
            blocks = [
                BasicBlock(
                    kind,
                    out_dim if number else wide,
                    out_dim,
                    1 if number else stride,
                    middle,
                    norm_eps,
                )
                for number in range(depth)
            ]
            wide = out_dim
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.dim = self.pooled_dim = wide
        init_convolutions(self)

    @classmethod
    def stride_of(cls, config: TowerConfig) -> int:
        return 2 ** len(config.options.get("depths", (2, 2, 2, 2)))

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        left = 1 if self.stem_frames else num_frames
        return super().token_grid(left, height, width)

    def token_times(self, times: Sequence[float]) -> list[float]:
        return [fmean(times)] if self.stem_frames else super().token_times(times)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """R2D raises ValueError for a clip of another length than its L."""
        clip, _ = self.seen(clip, times)
        if self.stem_frames not in (None, clip.shape[1]):
            raise ValueError(
                f"this R2D takes {self.stem_frames} frames at once, not {clip.shape[1]}"
            )
        x = self.stem(clip.transpose(1, 2))  # [B, C, T, H, W]
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(as_maps(x))
        H, W = x.shape[-2:]
        return VideoFeatures(as_tokens(x), (H, W), x.mean(dim=(2, 3, 4)), tuple(pyramid))
