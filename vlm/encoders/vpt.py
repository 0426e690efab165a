"""VPT: learned prompt tokens beside the patches of a frozen image transformer (arXiv 2203.12119).

    deep      [x, _] = L_i([x, P_i])      fresh prompts at each layer, the last ones dropped
    shallow   the prompts of the first layer stay and are computed on

Each frame goes by itself; the video's feature is the mean of the frames' CLS. So VPT cannot tell
a clip from the same clip reversed: DualPath (arXiv 2303.09857) compares itself with it for that.

Prompts stand behind the patches, in the code (KMnP/vpt) between CLS and the patches: attention does
not see the order, so the features are equal. They have no positions, and start uniform in
+-sqrt(6 / (3 P^2 + D)). The paper's bases are ViTs trained on ImageNet-21k, DualPath's is CLIP.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import train_only

PAPER = "2203.12119"
PRESETS = {
    "vpt-deep-b16": Preset(
        vit_config("vpt", num_prompts=8), 85_799_424 + 73_728, 73_728, PAPER, head={"norm": False}
    ),
    "vpt-deep-b16-50": Preset(
        vit_config("vpt", num_prompts=50),
        85_799_424 + 460_800,
        460_800,
        PAPER,
        head={"norm": False},
    ),
    "vpt-shallow-b16": Preset(
        vit_config("vpt", num_prompts=8, deep=False),
        85_799_424 + 6_144,
        6_144,
        PAPER,
        head={"norm": False},
    ),
    "vpt-deep-test": Preset(vit_config("vpt", size="test", num_prompts=3), 9_888, 96),
    "vpt-shallow-test": Preset(
        vit_config("vpt", size="test", num_prompts=3, deep=False), 9_840, 48
    ),
}


class VPT(OnImageTransformer):
    """An image transformer of which only the prompts are trained."""

    causal = incremental = True
    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self, config: TowerConfig, num_prompts: int = 5, deep: bool = True, dropout: float = 0.0
    ) -> None:
        depth, dim = config.backbone.depth, config.block.dim
        super().__init__(config, [ViTBlock(config.block) for _ in range(depth)])
        bound = math.sqrt(6 / (3 * config.backbone.patch_size**2 + dim))
        start = (2 * torch.rand(depth if deep else 1, num_prompts, dim) - 1) * bound
        self.prompts = nn.Parameter(start)  # [layers or 1, P, C]
        self.dropout = nn.Dropout(dropout)
        train_only(self, self.prompts)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x, grid = self.patches(clip)
        x = x.flatten(0, 1)  # [B*T, 1 + N, C]
        F, L, _ = x.shape
        prompts = self.dropout(self.prompts)
        for index, block in enumerate(self.blocks):
            if index < len(prompts):  # [x, _] = L_i([x, P_i])
                x = torch.cat([x[:, :L], prompts[index].expand(F, -1, -1)], dim=1)
            x = block(x)
        return self.features(self.norm(x[:, :L]).unflatten(0, (B, T)), grid)
