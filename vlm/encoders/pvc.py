"""PVC's progressive tower: causal temporal attention on any image backbone (arXiv 2412.09613).

Everything is a video. A still picture is a video that stands still: it is shown R times, and each
look adds what the looks before had not said. The last layers of the tower do, in this order,

    x = x + S-MHA(LN(x))                           over the patches of one frame
    x = x + alpha * T-MHA(AdaLN(x; x + TE))        over the frames, at one patch, causal
    x = x + FFN(LN(x))

with TE the embedding of the frame's relative time (figure 2 of the paper). Below the first
temporal attention the looks of a still picture are identical, so the backbone and the first
spatial attention run once for all of them.

Time only looks back, so frames can come one by one: `step` takes the next frames and the memory
of those before and gives what one pass over all would have given.

Not known of the original and therefore configurable: alpha's shape and start (a vector of zeros),
whether CLS takes part in the temporal attention (it does), its number of heads (InternViT's).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import INTERNVIT, BlockStyle, ViTBlock
from vlm.encoders.base import ImageBackbone, ImageTokens, VideoEncoder, VideoFeatures
from vlm.layers.attention import Attention
from vlm.layers.kv_cache import KeyValues
from vlm.layers.norm import AdaLN
from vlm.layers.position import TimestepEmbedding, resize_positions
from vlm.timesteps import even_timesteps


class ProgressiveBlock(ViTBlock):
    """Spatial attention, gated causal temporal attention, feed-forward."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        mlp_dim: int,
        temporal_heads: int,
        alpha: float = 0.0,
        style: BlockStyle = INTERNVIT,
        adaln_hidden_dim: int | None = None,
        adaln_one_plus: bool = False,
        adaln_affine: bool = False,
    ) -> None:
        super().__init__(dim, num_heads, mlp_dim, style)
        self.time = TimestepEmbedding(dim)
        self.temporal_norm = AdaLN(
            dim, adaln_hidden_dim, one_plus=adaln_one_plus, affine=adaln_affine
        )
        self.temporal_attn = Attention(dim, temporal_heads)
        self.alpha = nn.Parameter(torch.full((dim,), alpha))

    def spatial_attention(self, x: Tensor) -> Tensor:
        """x + S-MHA(LN(x)), frame by frame: [B, T, N, C]."""
        B, T, N, C = x.shape
        out = self.attn(self.norm1(x).view(B * T, N, C))[0]
        return x + self.ls1 * out.view(B, T, N, C)

    def temporal_attention_and_mlp(
        self, x: Tensor, times: Tensor, num_spatial_only: int, past: KeyValues | None
    ) -> tuple[Tensor, KeyValues]:
        """The temporal attention and the feed-forward: x [B, T, N, C], times [B, T].

        The first `num_spatial_only` tokens of a frame take no part in the temporal attention.
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
class FrameTokens:
    """Pictures as they are below the first temporal attention: what the looks at one share."""

    tokens: Tensor  # [B, T, prefix + N, C]
    grid: tuple[int, int]
    class_logits: Tensor | None  # [B, T, N, K]

    def clips(self, num_clips: int) -> "FrameTokens":
        """Frames that were given in a row, [1, B * T, ...], as B clips of T."""
        tokens, logits = (
            None if x is None else x.reshape(num_clips, -1, *x.shape[2:])
            for x in (self.tokens, self.class_logits)
        )
        assert tokens is not None
        return FrameTokens(tokens, self.grid, logits)

    def __getitem__(self, index: Tensor | slice) -> "FrameTokens":
        """Some of the frames."""
        logits = None if self.class_logits is None else self.class_logits[:, index]
        return FrameTokens(self.tokens[:, index], self.grid, logits)


@dataclass(frozen=True)
class TemporalCache:
    """What the tower keeps of the frames it has seen: a value, handed in and handed back."""

    layers: tuple[KeyValues, ...]
    last: FrameTokens  # the last frame, to look at it again


class ProgressiveEncoder(VideoEncoder):
    """An image backbone, a change of width where needed, and progressive blocks on top.

    Without blocks it is an image tower: each frame for itself, every look at a picture the same.
    """

    causal = True

    def __init__(
        self,
        backbone: ImageBackbone,
        dim: int,
        blocks: list[ProgressiveBlock],
        temporal_cls: bool = True,
        num_positions: int = 0,
        final_norm_eps: float | None = None,
    ) -> None:
        """`num_positions`: learned positions on top of a backbone that has none of its own.

        With `final_norm_eps` a LayerNorm ends the tower, as SigLIP's does.
        """
        super().__init__()
        self.dim = self.pooled_dim = dim
        self.backbone = backbone
        # In place of the backbone: images [F, 3, H, W] -> what it says, kept between epochs.
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

    @property
    def dtype(self) -> torch.dtype:
        """What the tower computes in; its gates and biases keep it where weights are quantised."""
        owner = self.blocks[0] if len(self.blocks) else self.backbone
        return next(p.dtype for p in owner.parameters() if p.is_floating_point())

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, *self.backbone.grid(height, width)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        if times is None:
            times = even_timesteps(len(clip), clip.shape[1], clip.device)
        return self.step(clip, times)[0]

    def step(
        self, clip: Tensor | None, times: Tensor, cache: TemporalCache | None = None
    ) -> tuple[VideoFeatures, TemporalCache]:
        """The next frames after those in `cache`; without a clip, another look at the last frame.

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
        """Everything under the first temporal attention, its spatial attention included.

        [F, 3, H, W] -> F frames in a row, whatever clips they belong to.
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
        logits = image.class_logits
        return FrameTokens(tokens, image.grid, None if logits is None else logits[None])

    def encode_clips(
        self, frames: FrameTokens, times: Tensor, cache: TemporalCache | None = None
    ) -> tuple[VideoFeatures, TemporalCache]:
        """The progressive part: frames [B, T or 1, ...] at times [B, T], after those in cache."""
        x = frames.tokens
        B, given, N, C = x.shape
        T = times.shape[1]
        if given not in (1, T):
            raise ValueError(f"{given} frames were given with {T} times")
        layers = []
        for index, block in enumerate(self.blocks):
            if index > 0:
                x = self.run(block.spatial_attention, x)
            x = x.expand(B, T, N, C)  # here the looks at a still picture part
            past = None if cache is None else cache.layers[index]
            x, kept = self.run(
                block.temporal_attention_and_mlp, x, times, self.num_spatial_only, past
            )
            layers.append(kept)
        # Without temporal layers they never part: R looks cost one.
        x = self.norm(x).expand(B, T, N, C)
        prefix = self.backbone.num_prefix
        tokens = x[:, :, prefix:]
        logits = frames.class_logits
        features = VideoFeatures(
            tokens=tokens,
            grid=frames.grid,
            pooled=tokens.mean(dim=(1, 2)),
            global_token=x[:, :, 0] if prefix else None,
            class_logits=None if logits is None else logits.expand(B, T, -1, -1),
        )
        return features, TemporalCache(tuple(layers), frames[slice(given - 1, given)])
