"""VTN: an image transformer on each frame, a Longformer over the frames (arXiv 2102.00719).

    f_t = CLS of ViT(frame t)
    x = LN([c; f_1 .. f_T] + position + type),    c a learned token, of type 1
    x = LN(x + WA(x)),  x = LN(x + MLP(x))        a few layers; WA: a sliding window, c global
    pooled = x_c

A window costs the same for each frame however long the video is: VTN takes a whole one in a pass.
The result is one token for each frame.

Presets follow the code (bomri/SlowFast): a window of 18 (paper: 32) and learned positions, by the
number of the frame in its video modulo 286; c has entry 286. `frame_stride` is the distance of the
clip's frames there. `positions` may be "sinusoid" or "none", which the paper finds no worse.

`causal` is ours: windows reach back alone, and frames do not see c.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.longformer import LongformerLayer, WindowAttention
from vlm.layers.mlp import MLP
from vlm.layers.position import interleaved_sinusoid
from vlm.unknown_name import check_name

POSITIONS = ("learned", "sinusoid", "none")
PAPER, CODE = "2102.00719", "https://github.com/bomri/SlowFast"
HEAD = {"hidden_dim": 768, "dropout": 0.5}
TINY = {"num_layers": 2, "num_frames": 8, "window": 2}
BASE = replace(
    vit_config("vtn", "vit", frame_stride=8), image_mean=(0.45,) * 3, image_std=(0.225,) * 3
)
PRESETS = {
    "vtn-b16": Preset(
        BASE,
        112_602_624,
        None,
        PAPER,
        "code",
        num_frames=16,
        head=HEAD,
        with_head={400: 113_502_352},
        weights=CODE,
        weights_license="Apache-2.0",
    ),
    "vtn-b16-paper": Preset(
        replace(BASE, options={"window": 32, "frame_stride": 8}),
        112_602_624,
        None,
        PAPER,
        "paper",
        num_frames=16,
        head=HEAD,
    ),
    "vtn-b16-causal": Preset(
        replace(BASE, options={"causal": True, "frame_stride": 8}),
        112_602_624,
        None,
        PAPER,
        "code, with windows that reach back alone",
        num_frames=16,
        head=HEAD,
    ),
    "vtn-test": Preset(vit_config("vtn", "vit", "test", **TINY), 18_208),
    "vtn-sinusoid-test": Preset(
        vit_config("vtn", "vit", "test", positions="sinusoid", **TINY), 18_048
    ),
    "vtn-none-test": Preset(vit_config("vtn", "vit", "test", positions="none", **TINY), 18_048),
    "vtn-causal-test": Preset(vit_config("vtn", "vit", "test", causal=True, **TINY), 18_208),
}


class VTN(OnImageTransformer):
    """One token for each frame, from an image transformer and windows over time."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        num_layers: int = 3,
        window: int = 18,
        num_frames: int = 286,
        frame_stride: int = 1,
        positions: str = "learned",
        causal: bool = False,
        dropout: float = 0.1,
    ) -> None:
        """`num_frames`: after how many frames of the video positions begin anew."""
        check_name("positions", positions, POSITIONS)
        block, dim = config.block, config.block.dim
        super().__init__(config, [ViTBlock(block) for _ in range(config.backbone.depth)])
        self.causal, self.frame_stride, self.num_frames = causal, frame_stride, num_frames
        self.cls = nn.Parameter(torch.randn(1, 1, dim))
        # The last entry is for the padding of the original's attention.
        self.positions = nn.Embedding(num_frames + 2, dim) if positions == "learned" else None
        self.sinusoid = positions == "sinusoid"
        self.types = nn.Embedding(2, dim)
        self.time_norm = nn.LayerNorm(dim, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            LongformerLayer(
                WindowAttention(dim, block.num_heads, window, causal),
                MLP(dim, block.mlp_dim),
                dim,
                dropout=dropout,
            )
            for _ in range(num_layers)
        )

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        super().frame_grid(config)
        return 1, 1

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, 1, 1

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, _ = self.seen(clip, times)
        B, T = clip.shape[:2]
        x = self.patches(clip)[0].flatten(0, 1)
        for block in self.blocks:
            x = block(x)
        frames = self.norm(x[:, 0]).unflatten(0, (B, T))  # f_t, [B, T, C]
        x = torch.cat([self.cls.expand(B, -1, -1), frames], dim=1)
        x = self.dropout(self.time_norm(x + self.place(T).to(x.dtype)))
        for layer in self.layers:
            x = layer(x)
        tokens = x[:, 1:, None]  # [B, T, 1, C]
        return VideoFeatures(tokens, (1, 1), pooled=x[:, 0], global_token=tokens[:, :, 0])

    def place(self, num_frames: int) -> Tensor:
        """Position and type of c and of the frames, [1 + T, C]."""
        device = self.types.weight.device
        index = torch.arange(num_frames, device=device) * self.frame_stride % self.num_frames
        index = torch.cat([index.new_tensor([self.num_frames]), index])
        place = self.types((index == self.num_frames).long())
        if self.positions is not None:
            place = place + self.positions(index)
        elif self.sinusoid:
            place = place + interleaved_sinusoid(index, self.dim)
        return place
