"""A video encoder of a few lines that no published one is like: a grid of rows by one."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.preset import Preset

TOWER: dict[str, Any] = {"encoder": "strips", "image_size": 30, "options": {"dim": 8, "rows": 3}}


class StripEncoder(VideoEncoder):
    """Means of horizontal strips, plus those of the whole clip."""

    causal = False
    presets: ClassVar[Mapping[str, Preset]] = {"strips-test": Preset(TowerConfig(**TOWER), 32)}

    def __init__(self, dim: int, rows: int) -> None:
        super().__init__()
        self.dim = self.pooled_dim = dim
        self.rows = rows
        self.proj = nn.Linear(3, dim)

    @classmethod
    def from_config(cls, config: TowerConfig) -> "StripEncoder":
        return cls(**config.options)

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        return config.options["rows"], 1

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, self.rows, 1

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        times = self.even_times(clip) if times is None else times
        B, T = times.shape
        strips = torch.stack([s.mean(dim=(-2, -1)) for s in clip.chunk(self.rows, dim=-2)], dim=2)
        tokens = self.proj(strips).expand(B, T, -1, -1) * (1 + times[..., None, None])
        tokens = tokens + tokens.mean(dim=1, keepdim=True)  # each frame sees the whole clip
        return VideoFeatures(tokens, (self.rows, 1), tokens.mean(dim=(1, 2)))
