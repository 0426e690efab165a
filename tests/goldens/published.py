"""Tiny forms of published networks: ours as a config, and the published network's own tensors.

make_published.py builds the published network at these sizes; tests build ours alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tests import golden
from vlm.encoders import build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.weights.io.rename import Shape
from vlm.weights.video_models.layout import COUNTERS, Layout


@dataclass(frozen=True)
class Case:
    """A tiny encoder and the clip [1, T, 3, S, S] it is shown."""

    encoder: str
    num_frames: int
    size: int
    options: Mapping[str, Any] = field(default_factory=dict)
    image_size: int | None = None  # None: `size`
    layout: int = 0  # which of the encoder's layouts the published network has

    def build(self) -> VideoEncoder:
        """Our encoder with the fixed weights, in eval mode."""
        side = self.image_size or self.size
        config = TowerConfig(self.encoder, image_size=side, options=dict(self.options))
        tower = build_tower(config).eval()
        with torch.no_grad():
            golden.fill(tower)
        return tower

    def clip(self) -> Tensor:
        return golden.clip(1, self.num_frames, self.size)


SWIN: dict[str, Any] = {"dim": 8, "depths": [2, 2], "num_heads": [1, 2], "window": [2, 3, 3]}
MVIT: dict[str, Any] = {"dim": 8, "depth": 4, "stage_starts": [1, 3], "kv_stride": 4}
BLOCKS: dict[str, Any] = {"depths": [1, 1, 1, 1], "norm_eps": 1e-5, "dim": 8}
CASES = {
    # torchvision
    "swin": Case("video-swin", 8, 32, SWIN),
    "swin-one-frame": Case("video-swin", 2, 32, SWIN),
    "mvit-v1": Case("mvit", 4, 64, {**MVIT, "version": 1, "num_frames": 4}),
    "mvit-v2": Case("mvit", 4, 64, {**MVIT, "version": 2, "num_frames": 4}),
    "r2plus1d": Case("r2plus1d", 8, 32, {**BLOCKS, "middle": "block"}),
    "mc3": Case("r2plus1d", 4, 32, {**BLOCKS, "kinds": ["3d", "3d", "2d", "2d", "2d"]}),
    "rmc3": Case("r2plus1d", 4, 32, {**BLOCKS, "kinds": ["2d", "2d", "3d", "3d", "3d"]}),
    # pytorchvideo
    "slowfast": Case("slowfast", 8, 64, {"depths": [1, 1, 1, 1], "dim": 16, "kernel": 7}),
    "i3d-r50": Case("nonlocal", 4, 64, {"dim": 4}),
    "slow-r50": Case(
        "nonlocal",
        4,
        64,
        {
            "dim": 4,
            "stem_kernel": 1,
            "time_kernels": [[1], [1], [3], [3]],
            "time_pool": False,
        },
        layout=1,
    ),
    "mvit-pytorchvideo": Case(
        "mvit", 4, 64, {**MVIT, "version": 1, "num_frames": 4, "pool_eps": 1e-5}, layout=2
    ),
    # pytorch-i3d
    "i3d": Case("i3d", 16, 72, {"width": 0.125}),
}


def published_state(
    layout: Layout, tower: VideoEncoder, shapes: Mapping[str, Shape]
) -> dict[str, Tensor]:
    """Our weights under the published names; `shapes` are those of the published network."""
    state = {}
    own = {n: t for n, t in tower.state_dict().items() if not n.endswith(COUNTERS[1:])}
    for rule in layout.rules({name: tuple(t.shape) for name, t in own.items()}):
        parts = own[rule.targets[0]].chunk(len(rule.sources))
        for name, part in zip(rule.sources, parts, strict=True):
            state[name] = part.reshape(shapes[name])
    return state
