"""AIM: one frozen image transformer, whose attention runs over time and then over space.

A block has the layers of CLIP's, which stay frozen, and three adapters (arXiv 2302.03024):

    x = x + A_T(MHA(LN1(x)))          over the frames, at one patch; A_T has no skip
    x = x + A_S(MHA(LN1(x)))          over the patches of one frame; A_S(u) = u + bottleneck(u)
    x = x + MLP(LN2(x)) + s * A_M(LN2(x))

Both attentions have the same weights. All adapters start at zero, so that a fresh AIM is CLIP frame
by frame. The pass over time treats CLS as one more patch: the CLS of all frames see one another.
A learned embedding of the frame, zero at first, is added before the norm in front of the blocks.

Where they differ the presets follow the authors' code (taoyang1122/adapt-image-models): for
Something-Something it has a second temporal adapter (with skip, in front of the attention) and
s = 1. Stochastic depth leaves out the temporal and the joint adapter, never the spatial one. The
code takes the trained number of frames alone; here the embedding is interpolated for any other.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.adapter import Adapter, train_only
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.position import resize_times

PAPER, CODE = "2302.03024", "Apache-2.0"
PLACE = "Google Drive, from https://github.com/taoyang1122/adapt-image-models"
HEAD = {"norm": False, "dropout": 0.5}
PRESETS = {
    "aim-b16": Preset(
        vit_config("aim"),
        96_456_960,
        10_659_072,
        PAPER,
        head=HEAD,
        with_head={400: 96_764_560},
        trainable_with_head={400: 10_966_672},
        weights=PLACE,
        weights_license=CODE,
    ),
    "aim-b16-ssv2": Preset(
        vit_config("aim", scale=1.0, adapter_in=True),
        100_007_424,
        14_209_536,
        PAPER,
        "code",
        head=HEAD,
        weights=PLACE,
        weights_license=CODE,
    ),
    "aim-l14": Preset(
        vit_config("aim", size="L", patch_size=14),
        341_028_864,
        37_851_136,
        PAPER,
        head=HEAD,
        weights=PLACE,
        weights_license=CODE,
    ),
    "aim-test": Preset(
        vit_config("aim", size="test", adapter_in=True, num_frames=4), 11_040, 1_280
    ),
}


class AIMBlock(ViTBlock):
    """Attention over time, over space, and the MLP, each with its adapter."""

    def __init__(
        self, block: BlockConfig, scale: float, adapter_in: bool, drop_path: float
    ) -> None:
        super().__init__(block)
        self.drop_path = DropPath(drop_path)
        dim, hidden_dim = block.dim, block.dim // 4
        self.time_in_adapter = Adapter(dim, hidden_dim, skip=True) if adapter_in else nn.Identity()
        self.time_adapter = Adapter(dim, hidden_dim)
        self.space_adapter = Adapter(dim, hidden_dim, skip=True)
        self.mlp_adapter = Adapter(dim, hidden_dim, scale=scale)
        adapters = (part for part in self.modules() if isinstance(part, Adapter))
        for adapter in adapters:
            nn.init.trunc_normal_(adapter.down.weight, std=0.02)

    def _layer(self, x: Tensor) -> Tensor:
        """[B, T, 1 + N, C] -> the same."""
        B, T, N, C = x.shape
        h = self.time_in_adapter(self.norm1(x)).transpose(1, 2).reshape(B * N, T, C)
        h = self.attn(h)[0].view(B, N, T, C).transpose(1, 2)
        x = x + self.drop_path(self.time_adapter(h))
        h = self.attn(self.norm1(x).view(B * T, N, C))[0].view(B, T, N, C)
        x = x + self.space_adapter(h)
        n = self.norm2(x)
        return x + self.mlp(n) + self.drop_path(self.mlp_adapter(n))


class AIM(OnImageTransformer):
    """A frozen image transformer with temporal, spatial and joint adapters."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        num_frames: int = 8,
        scale: float = 0.5,
        adapter_in: bool = False,
        drop_path: float = 0.2,
    ) -> None:
        rates = drop_path_rates(drop_path, config.backbone.depth)
        block = config.block
        super().__init__(config, [AIMBlock(block, scale, adapter_in, rate) for rate in rates])
        self.time = nn.Parameter(torch.zeros(1, num_frames, self.dim))
        adapters = [part for part in self.modules() if isinstance(part, Adapter)]
        train_only(self, *adapters, self.time, self.norm)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x, grid = self.stem.embed(clip.flatten(0, 1))
        x = x.unflatten(0, (B, T)) + resize_times(self.time, T)[:, :, None]
        x = self.stem.pre_norm(x)
        for block in self.blocks:
            x = block(x)
        return self.features(self.norm(x), grid)
