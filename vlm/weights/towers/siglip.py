"""Reads SigLIP's and SigLIP2's image towers in transformers' format, alone or with a text tower.

Fixed-size SigLIP2 checkpoints use SigLIP's class. NaFlex checkpoints take flattened patches, so
their first matrix becomes a convolution here. Images are squares as everywhere in Revisit; by
default their grid is that of the position embeddings (16 x 16).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vlm.weights.io.rename import Rule, rename
from vlm.weights.towers.clip import BOTH, LAYER, POSITIONS, transformer_fields
from vlm.weights.towers.source import TowerSource, square_side, vision_config

if TYPE_CHECKING:
    from torch import Tensor

HALF = (0.5, 0.5, 0.5)
EMBEDDINGS = [
    POSITIONS,
    *rename("{tower}embeddings.patch_embedding", "backbone.patch_embedding", *BOTH),
]


def source(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of a SigLIP model or a SigLIP vision model, from config.json."""
    from transformers import SiglipVisionConfig

    vision = SiglipVisionConfig(**vision_config(config))
    return _source(vision, vision.image_size)


def in_smolvlm(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of a SmolVLM or an Idefics3, from config.json."""
    from transformers import SmolVLMVisionConfig

    vision = SmolVLMVisionConfig(**vision_config(config))
    return _source(vision, square_side(vision.image_size, "image_size"))


def naflex(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of a SigLIP2 NaFlex model (images of any shape), from config.json."""
    from transformers import Siglip2VisionConfig

    vision = Siglip2VisionConfig(**vision_config(config))
    side = math.isqrt(vision.num_patches)
    patch = Rule(
        ("{tower}embeddings.patch_embedding.weight",),
        ("backbone.patch_embedding.weight",),
        lambda matrix: [as_convolution(matrix, vision.num_channels)],
        "a matrix to a convolution",
    )
    bias = rename("{tower}embeddings.patch_embedding.bias", "backbone.patch_embedding.bias")
    fixed = _source(vision, side * vision.patch_size)
    return replace(fixed, embeddings=[POSITIONS, patch, *bias])


def as_convolution(matrix: Tensor, channels: int) -> Tensor:
    """[C, p*p*3], a patch row by row with color channels last -> [C, 3, p, p]."""
    side = math.isqrt(matrix.shape[1] // channels)
    return matrix.reshape(len(matrix), side, side, channels).permute(0, 3, 1, 2).contiguous()


def _source(vision: Any, image_size: int) -> TowerSource:
    return TowerSource(
        fields={
            **transformer_fields(vision),
            "backbone": "siglip",
            "image_size": image_size,
            "image_mean": HALF,
            "image_std": HALF,
            "feature_layer": -1,
            "final_norm": True,
        },
        num_layers=vision.num_hidden_layers,
        anchor="embeddings.patch_embedding.weight",
        embeddings=EMBEDDINGS,
        layer=LAYER,
        final_norm=rename("{tower}post_layernorm", "norm", *BOTH),
        unused=("embeddings.position_ids", "head.*", "post_layernorm.*"),
    )
