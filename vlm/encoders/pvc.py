"""PVC's progressive tower: causal temporal attention on any image backbone (arXiv 2412.09613).

Everything is a video. A still picture is a static video: it is seen R times, and each look adds
what the looks before left out. The last layers of the tower compute, in this order (figure 2),

    x = x + S-MHA(LN(x))                           over the patches of one frame
    x = x + alpha * T-MHA(AdaLN(x; x + TE))        over the frames, at one patch, causal
    x = x + FFN(LN(x))

TE is the embedding of the frame's relative time. Below the first temporal attention the looks at a
still picture are identical, so the backbone and the first spatial attention run once for all.

Temporal attention is causal, so frames can come a few at a time: `step` continues from the cache of
the frames before, and equals one pass over all of them.

The paper leaves open, and `TemporalConfig` decides: the gate's shape and start (a vector of zeros),
whether CLS takes part in the temporal attention (yes), its number of heads (InternViT's).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vlm.encoders.backbones import backbone_class
from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.base import (
    FrameTokens,
    ImageBackbone,
    ImageTokens,
    VideoEncoder,
    VideoFeatures,
)
from vlm.encoders.config import BackboneConfig, BlockConfig, TemporalConfig, TowerConfig
from vlm.encoders.preset import Preset
from vlm.layers.attention import Attention
from vlm.layers.kv_cache import KeyValues
from vlm.layers.norm import AdaLN
from vlm.layers.position import TimestepEmbedding, resize_positions

PAPER = "2412.09613"
PRESETS = {
    "pvc-internvit-300m": Preset(  # of PVC-InternVL2
        TowerConfig(),
        381_697_024,
        paper=PAPER,
        follows="paper",
        num_frames=16,
        weights="https://huggingface.co/OpenGVLab/PVC-InternVL2-8B, in a whole model",
        weights_license="MIT",
    ),
    "pvc-efficientnet-lite2": Preset(  # of the embedded model
        TowerConfig(
            image_size=256,
            image_mean=(127 / 255,) * 3,
            image_std=(128 / 255,) * 3,
            timestep_scale=16.0,
            block=BlockConfig(256, 4, 1024, 1.0),
            backbone=BackboneConfig("efficientnet-lite2", num_classes=1000),
            temporal=TemporalConfig(2, 4, alpha=0.5),
        ),
        9_623_984,
        paper=PAPER,
        follows="paper, on a convolutional backbone",
        weights="in this repository, as --encoder embedded",
        weights_license="Apache-2.0",
    ),
}


class ProgressiveBlock(ViTBlock):
    """One layer of figure 2: spatial attention, gated causal temporal attention, feed-forward."""

    def __init__(self, block: BlockConfig, temporal: TemporalConfig) -> None:
        super().__init__(block)
        dim, alpha = block.dim, temporal.alpha
        self.time = TimestepEmbedding(dim)
        self.temporal_norm = AdaLN(dim, temporal.adaln)
        self.temporal_attn = Attention(dim, temporal.num_heads)
        self.alpha = nn.Parameter(torch.full((dim,), alpha))

    def spatial_attention(self, x: Tensor) -> Tensor:
        """x + S-MHA(LN(x)), frame by frame: [B, T, N, C] (PVC, figure 2)."""
        B, T, N, C = x.shape
        out = self.attn(self.norm1(x).view(B * T, N, C))[0]
        return x + self.ls1 * out.view(B, T, N, C)

    def temporal_attention_and_mlp(
        self, x: Tensor, times: Tensor, num_spatial_only: int, past: KeyValues | None
    ) -> tuple[Tensor, KeyValues]:
        """x + alpha * T-MHA(AdaLN(x; x + TE)), then x + FFN(LN(x)) (PVC, figure 2).

        x [B, T, N, C], times [B, T]. The first `num_spatial_only` tokens of a frame take no part in
        the temporal attention.
        """
        B, T, N, C = x.shape
        outside, x = x[:, :, :num_spatial_only], x[:, :, num_spatial_only:]
        z = x + self.time(times)[:, :, None]  # [B, T, N, C]
        h = self.temporal_norm(x, z).transpose(1, 2)  # [B, N, T, C]
        h, cache = self.temporal_attn(h.reshape(-1, T, C), causal=True, past=past)
        x = x + self.alpha * h.view(B, N - num_spatial_only, T, C).transpose(1, 2)
        x = torch.cat([outside, x], dim=2)
        return x + self.ls2 * self.mlp(self.norm2(x)), cache


@dataclass(frozen=True)
class TemporalCache:
    """What later frames need of the frames before: a value, passed in and returned."""

    layers: tuple[KeyValues, ...]
    last: FrameTokens  # the last frame, to look at it again


class ProgressiveEncoder(VideoEncoder):
    """An image backbone, a change of width if needed, and progressive blocks on top.

    Without blocks it is an image tower: it encodes each frame by itself, and all looks are equal.
    """

    presets: ClassVar[Mapping[str, Preset]] = PRESETS
    takes_options = False
    causal = True
    incremental = True

    def __init__(
        self,
        backbone: ImageBackbone,
        blocks: list[ProgressiveBlock],
        *,
        dim: int,
        temporal_cls: bool = True,
        num_positions: int = 0,
        final_norm_eps: float | None = None,
    ) -> None:
        """`num_positions`: learned positions for a backbone that has none of its own.

        With `final_norm_eps` a LayerNorm ends the tower, as in SigLIP.
        """
        super().__init__()
        self.dim = self.pooled_dim = dim
        self.backbone = backbone
        # Replaces the call of a frozen backbone: a cache of its features.
        self.cached_backbone: Callable[[ImageBackbone, Tensor], ImageTokens] | None = None
        same = backbone.dim == dim
        self.stem: nn.Module = nn.Identity() if same else nn.Linear(backbone.dim, dim)
        self.positions = None
        if num_positions:
            start = 0.02 * torch.randn(1, backbone.num_prefix + num_positions, dim)
            self.positions = nn.Parameter(start)
        self.blocks: Sequence[ProgressiveBlock] = nn.ModuleList(blocks)  # type: ignore[assignment]
        self.norm = (
            nn.Identity() if final_norm_eps is None else nn.LayerNorm(dim, eps=final_norm_eps)
        )
        self.num_spatial_only = 0 if temporal_cls else backbone.num_prefix

    @classmethod
    def from_config(cls, config: TowerConfig) -> "ProgressiveEncoder":
        backbone = backbone_class(config.backbone.name).from_config(config)
        blocks = [
            ProgressiveBlock(config.block, config.temporal)
            for _ in range(config.temporal.num_layers)
        ]
        rows, columns = cls.frame_grid(config)
        return cls(
            backbone,
            blocks,
            dim=config.block.dim,
            temporal_cls=config.temporal.cls,
            num_positions=0 if backbone.has_positions else rows * columns,
            final_norm_eps=config.block.norm_eps if config.final_norm else None,
        )

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        side = config.image_size // backbone_class(config.backbone.name).stride_of(config)
        return side, side

    @property
    def dtype(self) -> torch.dtype:
        """The dtype the tower computes in; a block's gate and biases keep it under quantization."""
        owner = self.blocks[0] if len(self.blocks) else self.backbone
        return next(p.dtype for p in owner.parameters() if p.is_floating_point())

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, *self.backbone.grid(height, width)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        return self.step(clip, self.even_times(clip) if times is None else times)[0]

    def step(
        self, clip: Tensor | None, times: Tensor, cache: TemporalCache | None = None
    ) -> tuple[VideoFeatures, TemporalCache]:
        """Encodes the frames after those in `cache`; without a clip, looks again at the last one.

        clip [B, T, 3, H, W] with times [B, T], or [B, 1, 3, H, W] with times [B, R] for R looks.
        """
        if clip is not None:
            frames = self.encode_frames(clip.flatten(0, 1)).clips(len(clip))
        elif cache is not None:
            frames = cache.last
        else:
            raise ValueError("another look needs the cache of a first one, or a clip")
        return self.encode_clips(frames, times, cache)

    def encode_frames(self, images: Tensor) -> FrameTokens:
        """Runs everything below the first temporal attention, that layer's S-MHA included.

        [F, 3, H, W] -> F frames in a row, of any clips.
        """
        frozen = not any(p.requires_grad for p in self.backbone.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            image = (
                self.backbone(images)
                if self.cached_backbone is None
                else self.cached_backbone(self.backbone, images)
            )
        x = self.stem(image.tokens)  # [F, prefix + N, C]
        if self.positions is not None:
            x = x + resize_positions(self.positions, image.grid, self.backbone.num_prefix)
        tokens = x[None]  # [1, F, prefix + N, C]
        if len(self.blocks):
            tokens = self.run(self.blocks[0].spatial_attention, tokens)
        extra = {name: value[None] for name, value in image.extra.items()}
        return FrameTokens(tokens, image.grid, extra)

    def encode_clips(
        self, frames: FrameTokens, times: Tensor, cache: TemporalCache | None = None
    ) -> tuple[VideoFeatures, TemporalCache]:
        """Runs the progressive part on frames [B, T or 1, ...] at times [B, T]."""
        x = frames.tokens
        B, given, N, C = x.shape
        T = times.shape[1]
        if given not in (1, T):
            raise ValueError(f"{given} frames were given with {T} times")
        layers = []
        for index, block in enumerate(self.blocks):
            if index > 0:
                x = self.run(block.spatial_attention, x)
            x = x.expand(B, T, N, C)  # from here the looks at a still picture differ
            past = None if cache is None else cache.layers[index]
            x, seen = self.run(
                block.temporal_attention_and_mlp, x, times, self.num_spatial_only, past
            )
            layers.append(seen)
        # Without temporal layers they never differ: R looks cost one.
        x = self.norm(x).expand(B, T, N, C)
        prefix = self.backbone.num_prefix
        tokens = x[:, :, prefix:]
        features = VideoFeatures(
            tokens=tokens,
            grid=frames.grid,
            pooled=tokens.mean(dim=(1, 2)),
            global_token=x[:, :, 0] if prefix else None,
            extra={n: x.expand(B, T, *x.shape[2:]) for n, x in frames.extra.items()},
        )
        return features, TemporalCache(tuple(layers), frames[slice(given - 1, given)])


def progressive(tower: VideoEncoder) -> ProgressiveEncoder:
    """Returns the tower as a progressive one; ValueError for any other encoder."""
    if not isinstance(tower, ProgressiveEncoder):
        raise ValueError(
            f"this needs a progressive tower (encoder pvc), not {type(tower).__name__}"
        )
    return tower
