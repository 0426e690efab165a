"""What encoders on one image transformer share: its patches, its last norm, their sizes.

`TowerConfig.block` and `.backbone` have the transformer's sizes, as for an image tower: family
(`vit`, `clip`, `siglip`), patch size and the number of layers. The tensors are named as there:
`stem.patch_embedding`, `blocks.3.attn.qkv`, `norm`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from vlm.encoders.backbones import backbone_class
from vlm.encoders.backbones.vit import ViT
from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.encoders.config import BackboneConfig, BlockConfig, TowerConfig

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def vit_config(
    encoder: str,
    family: str = "clip",
    size: str = "B",
    *,
    image_size: int = 224,
    patch_size: int = 16,
    **options: Any,
) -> TowerConfig:
    """Returns the config of an encoder on a published image transformer.

    Sizes: B and L, as in the ViT paper (arXiv 2010.11929), and `test`, whose frames are 16 pixels.
    """
    dim, heads, depth = {"B": (768, 12, 12), "L": (1024, 16, 24), "test": (16, 2, 2)}[size]
    if size == "test":
        image_size, patch_size = 16, 8
    activation, eps = {
        "clip": ("quick_gelu", 1e-5),
        "siglip": ("gelu_pytorch_tanh", 1e-6),
        "vit": ("gelu", 1e-6),
    }[family]
    half = (0.5, 0.5, 0.5)
    return TowerConfig(
        encoder=encoder,
        image_size=image_size,
        image_mean=CLIP_MEAN if family == "clip" else half,
        image_std=CLIP_STD if family == "clip" else half,
        block=BlockConfig(dim, heads, 4 * dim, None, activation, eps),
        backbone=BackboneConfig(family, patch_size, depth),
        options=dict(options),
    )


def image_stem(config: TowerConfig) -> ViT:
    """The image transformer's patches, CLS, positions and norm before the blocks; no blocks."""
    without_layers = replace(config, backbone=replace(config.backbone, depth=0))
    stem = backbone_class(config.backbone.name).from_config(without_layers)
    if not isinstance(stem, ViT):
        raise ValueError(
            f"{config.encoder} is built on an image transformer, not on {config.backbone.name}"
        )
    return stem


class OnImageTransformer(VideoEncoder):
    """Patches, blocks of the subclass, a last norm. The subclass computes `forward`."""

    causal = False
    keeps_last_norm = True  # `norm` is the image transformer's own

    def __init__(self, config: TowerConfig, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.dim = self.pooled_dim = config.block.dim
        self.stem: ViT = image_stem(config)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(self.dim, eps=config.block.norm_eps)

    @classmethod
    def from_config(cls, config: TowerConfig) -> "OnImageTransformer":
        return cls(config, **config.options)

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        side = config.image_size // backbone_class(config.backbone.name).stride_of(config)
        return side, side

    def use_image_weights(self) -> None:
        """Starts what the encoder adds from the image weights just loaded, if the paper does."""

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, *self.stem.grid(height, width)

    def step(
        self, clip: Tensor | None, times: Tensor, cache: Any = None
    ) -> tuple[VideoFeatures, Any]:
        """Encodes the next frames; one that takes each frame by itself remembers just the last."""
        if not self.incremental:
            return super().step(clip, times, cache)
        clip = cache if clip is None else clip
        if clip is None:
            raise ValueError("another look needs the cache of a first one, or a clip")
        return self.forward(clip, times), clip[:, -1:]

    def patches(self, clip: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """[B, T, 3, H, W] -> the first block's input [B, T, prefix + N, C], and its grid."""
        out = self.stem(clip.flatten(0, 1))
        return out.tokens.unflatten(0, clip.shape[:2]), out.grid

    def features(self, x: Tensor, grid: tuple[int, int]) -> VideoFeatures:
        """[B, T, prefix + N, C] after the last norm -> features; `pooled` is the mean CLS."""
        prefix = self.stem.num_prefix
        tokens = x[:, :, prefix:]
        return VideoFeatures(
            tokens,
            grid,
            pooled=x[:, :, 0].mean(dim=1) if prefix else tokens.mean(dim=(1, 2)),
            global_token=x[:, :, 0] if prefix else None,
        )
