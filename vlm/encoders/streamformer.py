"""StreamFormer: SigLIP made a causal backbone for video streams (arXiv 2504.20041).

    t = W_t T-MHA(LN_t(z))                  over the frames, at one patch, causal
    z = z + tanh(g) t                       g is one number, 0 at first
    z = z + S-MHA(LN1(z))                   over the patches of one frame
    z = z + MLP(LN2(z))
    z_0 = patches + positions + time[frame]

Spatial attention is SigLIP's, frozen, with LoRA on its fused qkv and on its output projection; all
else is trained. The last norm and SigLIP's attention pooling give three granularities: `tokens`
(spatial), `global_token` (temporal: each frame's pooled feature) and `pooled` (global: that of the
last frame).

Frames can come a few at a time: `step` continues from keys and values of the temporal attention.

Presets follow the code where it differs from the paper: the paper's formulae have no gate, and show
LoRA on q, k and v separately. The embedding of time has 16 entries; `time_rule` selects the entry
of frame t of T:

    stretch    as in the code: t, and beyond 16 frames 16 t / T, nearest interpolation to the length
               of the clip. There the features of a frame change with T, so it cannot stream.
    modulo     t mod 16. With `window` 16, temporal attention sees the last 16 frames: their entries
               all differ, and a stream of any length needs constant memory.
    clamp      min(t, 15)

For clips up to 16 frames all three are equal, and equal to the code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import BlockConfig, TowerConfig
from vlm.encoders.on_image import OnImageTransformer, vit_config
from vlm.encoders.preset import Preset
from vlm.layers.attention import Attention
from vlm.layers.attention_pooling import AttentionPooling
from vlm.layers.kv_cache import KeyValues
from vlm.layers.lora import LoRALinear
from vlm.layers.position import resize_times

TIME_RULES = ("modulo", "clamp", "stretch")
PAPER, PLACE = "2504.20041", "https://huggingface.co/StreamFormer/streamformer-timesformer"
LICENSE = "none given"
FROZEN = 28_348_416  # qkv and output projection of twelve spatial attentions
PRESETS = {
    "streamformer-b16": Preset(
        vit_config("streamformer", "siglip", lora_rank=32),
        130_119_948,
        130_119_948 - FROZEN,
        PAPER,
        "code, with a rule for time that streams",
        num_frames=16,
        head={"norm": False},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "streamformer-b16-stretch": Preset(
        vit_config("streamformer", "siglip", lora_rank=32, time_rule="stretch"),
        130_119_948,
        130_119_948 - FROZEN,
        PAPER,
        "code",
        num_frames=16,
        head={"norm": False},
        weights=PLACE,
        weights_license=LICENSE,
    ),
    "streamformer-b16-merged": Preset(
        vit_config("streamformer", "siglip"),
        128_350_476,
        None,
        PAPER,
        "code, without LoRA",
        num_frames=16,
        head={"norm": False},
    ),
    "streamformer-test": Preset(
        vit_config("streamformer", "siglip", "test", lora_rank=2, num_frames=3, window=3),
        16_226,
        14_050,
    ),
    "streamformer-clamp-test": Preset(
        vit_config("streamformer", "siglip", "test", num_frames=3, time_rule="clamp", window=None),
        15_842,
    ),
    "streamformer-stretch-test": Preset(
        vit_config("streamformer", "siglip", "test", num_frames=3, time_rule="stretch"), 15_842
    ),
}


class StreamFormerBlock(ViTBlock):
    """Gated causal attention over time, attention over space, MLP."""

    def __init__(self, block: BlockConfig, lora_rank: int, window: int | None) -> None:
        super().__init__(block)
        dim, self.window = block.dim, window
        self.time_norm = nn.LayerNorm(dim, eps=block.norm_eps)
        self.time_attn = Attention(dim, block.num_heads)
        self.time_dense = nn.Linear(dim, dim)
        self.gate = nn.Parameter(torch.zeros(()))
        for part in (self.time_attn.qkv, self.time_attn.proj, self.time_dense):
            nn.init.normal_(part.weight, std=0.02)
            nn.init.normal_(part.bias, std=0.02)
        if lora_rank:
            self.attn.qkv = LoRALinear(dim, 3 * dim, lora_rank)
            self.attn.proj = LoRALinear(dim, dim, lora_rank)

    def forward(  # type: ignore[override]
        self, z: Tensor, past: KeyValues | None = None
    ) -> tuple[Tensor, KeyValues]:
        """[B, T, N, C] -> the same, and the temporal keys and values for the next frames."""
        return self.run(self._stream_layer, z, past)

    def _stream_layer(self, z: Tensor, past: KeyValues | None) -> tuple[Tensor, KeyValues]:
        B, T, N, C = z.shape
        h = self.time_norm(z).transpose(1, 2).reshape(B * N, T, C)
        h, cache = self.time_attn(h, causal=True, past=past, window=self.window)
        t = self.time_dense(h).view(B, N, T, C).transpose(1, 2)
        z = z + self.gate.tanh() * t
        z = z + self.attn(self.norm1(z).view(B * T, N, C))[0].view(B, T, N, C)
        return z + self.mlp(self.norm2(z)), cache


@dataclass(frozen=True)
class StreamCache:
    """What later frames need of those before."""

    layers: tuple[KeyValues, ...]
    num_frames: int  # so far
    last: Tensor  # patches of the last frame [B, 1, N, C], to look at it again
    grid: tuple[int, int]


class StreamFormer(OnImageTransformer):
    """SigLIP with gated causal attention over time."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS

    def __init__(
        self,
        config: TowerConfig,
        lora_rank: int = 0,
        num_frames: int = 16,
        time_rule: str = "modulo",
        window: int | None = 16,
    ) -> None:
        """`window`: frames that temporal attention sees; None: all. Not used with "stretch"."""
        if time_rule not in TIME_RULES:
            raise ValueError(f'no time_rule "{time_rule}"; there are {", ".join(TIME_RULES)}')
        seen = None if time_rule == "stretch" else window
        block = config.block
        super().__init__(
            config,
            [StreamFormerBlock(block, lora_rank, seen) for _ in range(config.backbone.depth)],
        )
        self.time_rule = time_rule
        self.causal = self.incremental = time_rule != "stretch"
        self.time = nn.Parameter(torch.randn(1, num_frames, block.dim) * 0.02)
        self.head = AttentionPooling(
            block.dim, block.num_heads, block.mlp_dim, block.activation, block.norm_eps
        )

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        clip, times = self.seen(clip, times)
        return self.step(clip, times)[0]

    def step(
        self, clip: Tensor | None, times: Tensor, cache: StreamCache | None = None
    ) -> tuple[VideoFeatures, StreamCache]:
        """Encodes the frames after those in the cache; without a clip, looks again at the last.

        Only the order of frames counts, not their times.
        """
        B, T = times.shape
        if clip is not None:
            clip, _ = self.seen(clip, times)
            patches, grid = self.patches(clip)
        elif cache is not None:
            patches, grid = cache.last.expand(-1, T, -1, -1), cache.grid
        else:
            raise ValueError("another look needs the cache of a first one, or a clip")
        start = 0 if cache is None else cache.num_frames
        z = patches + self.time_entries(start, T)[:, :, None]
        layers = []
        for index, block in enumerate(self.blocks):
            z, seen = block(z, None if cache is None else cache.layers[index])
            layers.append(seen)
        z = self.norm(z)
        frames = self.head(z.flatten(0, 1)).unflatten(0, (B, T))
        features = VideoFeatures(z, grid, pooled=frames[:, -1], global_token=frames)
        return features, StreamCache(tuple(layers), start + T, patches[:, -1:], grid)

    def time_entries(self, start: int, num_frames: int) -> Tensor:
        """Embeddings [1, T, C] of the frames from number `start` on."""
        size = self.time.shape[1]
        if self.time_rule == "stretch" and num_frames > size:
            return resize_times(self.time, num_frames, "nearest")
        index = torch.arange(start, start + num_frames, device=self.time.device)
        index = index % size if self.time_rule == "modulo" else index.clamp(max=size - 1)
        return self.time[:, index]
