"""From a config to a tower: the backbone by its name, progressive layers on top."""

from vlm.config import TowerConfig
from vlm.encoders.backbones.clip import CLIP
from vlm.encoders.backbones.efficientnet import EfficientNetLite
from vlm.encoders.backbones.siglip import SigLIP
from vlm.encoders.backbones.vit import BlockStyle, ViT
from vlm.encoders.base import ImageBackbone
from vlm.encoders.pvc import ProgressiveBlock, ProgressiveEncoder

IMAGE_TRANSFORMERS: dict[str, type[ViT | CLIP | SigLIP]] = {
    "vit": ViT,
    "clip": CLIP,
    "siglip": SigLIP,
}


def build_tower(config: TowerConfig) -> ProgressiveEncoder:
    """The tower a config describes, with fresh weights."""
    style = BlockStyle(config.layer_scale, config.activation, config.norm_eps)
    backbone: ImageBackbone
    num_positions = 0  # an image transformer has its own
    if config.backbone in IMAGE_TRANSFORMERS:
        backbone = IMAGE_TRANSFORMERS[config.backbone](
            config.image_size,
            config.patch_size,
            config.dim,
            config.depth,
            config.num_heads,
            config.mlp_dim,
            style,
        )
    else:
        backbone = EfficientNetLite(
            config.backbone.removeprefix("efficientnet-"), config.num_classes
        )
        num_positions = config.grid[0] * config.grid[1]
    blocks = [
        ProgressiveBlock(
            config.dim,
            config.num_heads,
            config.mlp_dim,
            config.temporal_heads,
            config.alpha,
            style,
            config.adaln_hidden_dim,
            config.adaln_one_plus,
            config.adaln_affine,
        )
        for _ in range(config.num_temporal_layers)
    ]
    return ProgressiveEncoder(
        backbone,
        config.dim,
        blocks,
        config.temporal_cls,
        num_positions,
        config.norm_eps if config.final_norm else None,
    )
