"""Efficient-Prompt: a small transformer over CLIP's features of frames (arXiv 2112.04478).

    f_t = CLIP's picture feature of frame t, frozen, projected
    x = f + time[frame]
    x = x + MHA(LN1(x));  x = x + MLP(LN2(x))           k blocks over the frames
    pooled = mean_t x

This is the video side; `PromptedText` (vlm/heads/prompted_text.py) is the other one: learned
vectors around the name of a class. A clip has the class whose text is nearest. Both together train
3,200,000 parameters with one block and 6,352,384 with two.

Presets follow the code (ju-chen/Efficient-Prompt), whose only public run has k = 1; the paper's
default is 2. Another number of frames than sixteen: the embedding is interpolated. One token for
each frame; the patches do not take part.
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
from vlm.layers.position import resize_times

PAPER, CLIP_PARAMETERS = "2112.04478", 86_192_640
PRESETS = {
    "efficient-prompt-b16": Preset(
        vit_config("efficient-prompt", num_layers=1),
        CLIP_PARAMETERS + 3_160_576,
        3_160_576,
        PAPER,
        "code",
        num_frames=16,
        weights="Baidu, from https://github.com/ju-chen/Efficient-Prompt",
        weights_license="MIT",
    ),
    "efficient-prompt-b16-two": Preset(
        vit_config("efficient-prompt", num_layers=2),
        CLIP_PARAMETERS + 6_312_960,
        6_312_960,
        PAPER,
        "paper",
        num_frames=16,
    ),
    "efficient-prompt-test": Preset(
        vit_config(
            "efficient-prompt", size="test", pooled_dim=8, num_layers=2, num_heads=2, num_frames=4
        ),
        11_696,
        1_776,
    ),
}


class EfficientPrompt(OnImageTransformer):
    """A frozen CLIP on each frame, trained blocks over the frames."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        pooled_dim: int = 512,
        num_layers: int = 2,
        num_heads: int = 8,
        num_frames: int = 16,
    ) -> None:
        block = config.block
        super().__init__(config, [ViTBlock(block) for _ in range(config.backbone.depth)])
        self.dim = self.pooled_dim = pooled_dim
        self.proj = nn.Linear(block.dim, pooled_dim, bias=False)
        self.time = nn.Parameter(0.01 * torch.randn(1, num_frames, pooled_dim))
        over_time = BlockConfig(
            pooled_dim, num_heads, 4 * pooled_dim, None, "quick_gelu", block.norm_eps
        )
        self.time_blocks = nn.ModuleList(ViTBlock(over_time) for _ in range(num_layers))
        train_only(self, self.time, self.time_blocks)

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        super().frame_grid(config)
        return 1, 1

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, 1, 1

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x = self.picture_features(clip.flatten(0, 1)).unflatten(0, (B, T))
        x = x + resize_times(self.time, T)
        for block in self.time_blocks:
            x = block(x)
        return VideoFeatures(x[:, :, None], (1, 1), pooled=x.mean(dim=1), global_token=x)

    def picture_features(self, images: Tensor) -> Tensor:
        """CLIP's features of pictures, [F, 3, H, W] -> [F, P]."""
        x = self.stem(images).tokens
        for block in self.blocks:
            x = block(x)
        return self.proj(self.norm(x[:, 0]))
