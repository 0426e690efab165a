"""Pro-tuning: small convolutional prompt blocks between the layers of a frozen image transformer.

    z = L_l(z);  z = z + v,   v = Conv1x1(DWConv5x5(Conv1x1(z)))        (arXiv 2207.14381)

The patches are put back on their grid for it; CLS passes by. Each frame goes by itself, and the
clip's feature is the mean of the frames' CLS.

There is no public code by the authors. The width of the bottleneck (a sixteenth here) and
the zero start of the last convolution are ours, so the preset's number of parameters follows from
L (C r + r + 26 r + r C + C) and from no table.
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
from vlm.layers.adapter import train_only

PAPER = "2207.14381"
PRESETS = {
    "pro-tuning-b16": Preset(
        vit_config("pro-tuning", hidden_dim=48),
        86_708_928,
        909_504,
        PAPER,
        "paper",
        head={"norm": False},
    ),
    "pro-tuning-test": Preset(vit_config("pro-tuning", size="test", hidden_dim=4), 10_296, 504),
}


class PromptBlock(nn.Module):
    """v = Conv1x1(DWConv5x5(Conv1x1(z))), zero at first."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(dim, hidden_dim, 1)
        self.conv = nn.Conv2d(hidden_dim, hidden_dim, 5, padding=2, groups=hidden_dim)
        self.up = nn.Conv2d(hidden_dim, dim, 1)
        assert self.up.bias is not None
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, z: Tensor, grid: tuple[int, int]) -> Tensor:
        """[F, N, C] -> the same."""
        image = z.transpose(1, 2).unflatten(2, grid)  # [F, C, H, W]
        return self.up(self.conv(self.down(image))).flatten(2).transpose(1, 2)


class ProTuningBlock(ViTBlock):
    """A frozen layer, then its prompt block."""

    def __init__(self, block: BlockConfig, hidden_dim: int) -> None:
        super().__init__(block)
        self.prompt = PromptBlock(block.dim, hidden_dim)

    def forward(self, z: Tensor, grid: tuple[int, int]) -> Tensor:  # type: ignore[override]
        """[F, prefix + N, C] -> the same."""
        return self.run(self._prompted_layer, z, grid)

    def _prompted_layer(self, z: Tensor, grid: tuple[int, int]) -> Tensor:
        z = self._layer(z)
        prefix = z.shape[1] - grid[0] * grid[1]
        v = self.prompt(z[:, prefix:], grid)
        return torch.cat([z[:, :prefix], z[:, prefix:] + v], dim=1)


class ProTuning(OnImageTransformer):
    """A frozen image transformer with prompt blocks."""

    causal = incremental = True
    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(self, config: TowerConfig, hidden_dim: int = 48) -> None:
        depth = config.backbone.depth
        super().__init__(config, [ProTuningBlock(config.block, hidden_dim) for _ in range(depth)])
        train_only(self, *(part for part in self.modules() if isinstance(part, PromptBlock)))

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x, grid = self.patches(clip)
        x = x.flatten(0, 1)
        for block in self.blocks:
            x = block(x, grid)
        return self.features(self.norm(x).unflatten(0, (B, T)), grid)
