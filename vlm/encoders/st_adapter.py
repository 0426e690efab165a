"""ST-Adapter: depth-wise convolutions over time in the bottleneck of an adapter (arXiv 2206.13559).

    A(x) = x + Up(DWConv3d(Down(x)))          on the patches of the whole clip, [T, H, W]
    x = x' + MHA(LN1(x')),   x' = A(x)        in front of the attention (Something-Something)
    x = x' + MLP(LN2(x')),   x' = A(x)        in front of the MLP

The image transformer is frozen. The convolution (3 x 1 x 1) starts at zero, weight and bias, so a
fresh one is CLIP frame by frame. CLS passes by. The clip's feature is LN(mean of the frames' CLS).

Paper and code (linziyi96/st-adapter) differ: the paper has an activation after the convolution, the
code has none. Presets follow the code. A Kinetics model has 12 adapters of width 384, in front of
the MLPs; one for Something-Something 24, in front of the attentions too.

`causal` pads the time axis on the left alone: then no frame sees a later one.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import train_only
from vlm.layers.conv3d import Conv3d

PAPER, LICENSE = "2206.13559", "MIT"
PLACE = "Google Drive, from https://github.com/linziyi96/st-adapter"
HEAD = {"norm": False, "dropout": 0.5}
PRESETS = {
    "st-adapter-b16": Preset(
        vit_config("st-adapter"),
        92_909_568,
        7_110_144,
        PAPER,
        "code",
        head=HEAD,
        trainable_with_head={400: 7_417_744},
        with_head={400: 93_217_168},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "st-adapter-b16-ssv2": Preset(
        vit_config("st-adapter", before=["attention", "mlp"]),
        100_019_712,
        14_220_288,
        PAPER,
        "code",
        head=HEAD,
        trainable_with_head={174: 14_354_094},
        with_head={174: 100_153_518},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "st-adapter-b16-causal": Preset(
        vit_config("st-adapter", causal=True), 92_909_568, 7_110_144, PAPER, "code", head=HEAD
    ),
    "st-adapter-test": Preset(
        vit_config("st-adapter", size="test", before=["attention", "mlp"], hidden_dim=4),
        10_448,
        656,
    ),
    "st-adapter-causal-test": Preset(
        vit_config("st-adapter", size="test", causal=True, hidden_dim=4), 10_120, 328
    ),
}


class STAdapter(nn.Module):
    """x + Up(DWConv3d(Down(x)))."""

    def __init__(self, dim: int, hidden_dim: int, causal: bool) -> None:
        super().__init__()
        self.down = nn.Linear(dim, hidden_dim)
        self.conv = Conv3d(hidden_dim, hidden_dim, (3, 1, 1), groups=hidden_dim)
        self.up = nn.Linear(hidden_dim, dim)
        self.padding = (2, 0) if causal else (1, 1)  # frames in front and behind
        for start in (self.conv.weight, self.conv.bias, self.down.bias, self.up.bias):
            assert start is not None
            nn.init.zeros_(start)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, 1 + N, C] -> the same."""
        h = self.down(x[:, :, 1:]).permute(0, 3, 1, 2)  # [B, r, T, N]
        h = self.conv(F.pad(h, (0, 0, *self.padding))[..., None])  # [B, r, T, N, 1]
        h = h[..., 0].permute(0, 2, 3, 1)  # [B, T, N, r]
        return torch.cat([x[:, :, :1], x[:, :, 1:] + self.up(h)], dim=2)


class STAdapterBlock(ViTBlock):
    """A frozen block with adapters in front of its attention, its MLP, or both."""

    def __init__(
        self, block: BlockConfig, hidden_dim: int, before: list[str], causal: bool
    ) -> None:
        super().__init__(block)
        dim = block.dim
        self.attn_adapter = STAdapter(dim, hidden_dim, causal) if "attention" in before else None
        self.mlp_adapter = STAdapter(dim, hidden_dim, causal) if "mlp" in before else None

    def _layer(self, x: Tensor) -> Tensor:
        """[B, T, 1 + N, C] -> the same."""
        B, T = x.shape[:2]
        if self.attn_adapter is not None:
            x = self.attn_adapter(x)
        x = x + self.attn(self.norm1(x).flatten(0, 1))[0].unflatten(0, (B, T))
        if self.mlp_adapter is not None:
            x = self.mlp_adapter(x)
        return x + self.mlp(self.norm2(x))


class STAdapterEncoder(OnImageTransformer):
    """A frozen image transformer with spatio-temporal adapters."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        hidden_dim: int = 384,
        before: list[str] | None = None,
        causal: bool = False,
    ) -> None:
        """`before`: where adapters stand, of "attention" and "mlp"; None: the MLP alone."""
        before = ["mlp"] if before is None else before
        if not before or not {"attention", "mlp"} >= set(before):
            raise ValueError(f'an ST-Adapter stands before "attention" or "mlp", not {before}')
        blocks = [
            STAdapterBlock(config.block, hidden_dim, before, causal)
            for _ in range(config.backbone.depth)
        ]
        super().__init__(config, blocks)
        self.causal = causal
        train_only(self, *(part for part in self.modules() if isinstance(part, STAdapter)))

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        x, grid = self.patches(clip)
        for block in self.blocks:
            x = block(x)
        pooled = self.norm(x[:, :, 0].mean(dim=1))
        x = self.norm(x)
        return VideoFeatures(x[:, :, 1:], grid, pooled, global_token=x[:, :, 0])
