"""SigLIP's and SigLIP2's image towers under transformers' names, alone or with their text tower.

SigLIP2's checkpoints of a fixed size are SigLIP's class. Its NaFlex checkpoints take patches
already cut, so their first matrix becomes a convolution here, and pictures are squares as
everywhere in Revisit (of the positions' own grid, 16 x 16, unless told otherwise).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vlm.weights.io.rename import Rule, rename
from vlm.weights.towers.clip import BOTH, LAYER, POSITIONS, transformer_fields
from vlm.weights.towers.source import TowerSource, vision_config

if TYPE_CHECKING:
    from torch import Tensor

HALF = (0.5, 0.5, 0.5)
EMBEDDINGS = [
    POSITIONS,
    *rename("{tower}embeddings.patch_embedding", "backbone.patch_embedding", *BOTH),
]


def source(config: Mapping[str, Any]) -> TowerSource:
    """From config.json of a SigLIP model or of its vision model."""
    from transformers import SiglipVisionConfig

    vision = SiglipVisionConfig(**vision_config(config))
    return _source(vision, vision.image_size)


def naflex(config: Mapping[str, Any]) -> TowerSource:
    """From config.json of a SigLIP2 model whose pictures may have any shape."""
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
    """[C, p*p*3], a patch's pixels row by row with their colours last -> [C, 3, p, p]."""
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
