"""Reads CLIP's image tower in transformers' format, alone or inside a CLIP model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vlm.weights.io.rename import Rule, join, rename
from vlm.weights.towers.source import TowerSource, vision_config

if TYPE_CHECKING:
    from torch import Tensor

BOTH = ("weight", "bias")
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

_LAYER = "{tower}encoder.layers.{layer}."
# SigLIP has the same layers under the same names.
LAYER = [
    *join([f"{_LAYER}self_attn.{part}_proj" for part in "qkv"], "{target}.attn.qkv", *BOTH),
    *rename(f"{_LAYER}self_attn.out_proj", "{target}.attn.proj", *BOTH),
    *rename(f"{_LAYER}layer_norm1", "{target}.norm1", *BOTH),
    *rename(f"{_LAYER}layer_norm2", "{target}.norm2", *BOTH),
    *rename(f"{_LAYER}mlp.fc1", "{target}.mlp.fc1", *BOTH),
    *rename(f"{_LAYER}mlp.fc2", "{target}.mlp.fc2", *BOTH),
]


def batch_of_one(tensor: Tensor) -> list[Tensor]:
    """[N, C] -> [1, N, C]."""
    return [tensor[None]]


POSITIONS = Rule(
    ("{tower}embeddings.position_embedding.weight",),
    ("backbone.position_embedding",),
    batch_of_one,
    "one more axis",
)
EMBEDDINGS = [
    Rule(
        ("{tower}embeddings.class_embedding",),
        ("backbone.class_embedding",),
        lambda tensor: [tensor[None, None]],  # [C] -> [1, 1, C]
        "two more axes",
    ),
    POSITIONS,
    *rename("{tower}embeddings.patch_embedding.weight", "backbone.patch_embedding.weight"),
    *rename("{tower}pre_layrnorm", "backbone.pre_norm", *BOTH),
]


def source(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of a CLIP model or a CLIP vision model, from config.json.

    Features come from the second-to-last layer, as in LLaVA: the last one is trained for CLS alone.
    """
    from transformers import CLIPVisionConfig

    vision = CLIPVisionConfig(**vision_config(config))
    return TowerSource(
        fields={
            **transformer_fields(vision),
            "backbone": "clip",
            "image_size": vision.image_size,
            "image_mean": CLIP_MEAN,
            "image_std": CLIP_STD,
            "feature_layer": -2,
        },
        num_layers=vision.num_hidden_layers,
        anchor="embeddings.class_embedding",
        embeddings=EMBEDDINGS,
        layer=LAYER,
        unused=("embeddings.position_ids", "post_layernorm.*"),
    )


def transformer_fields(vision: Any) -> dict[str, Any]:
    """Returns the fields that CLIP's and SigLIP's configs share."""
    return {
        "patch_size": vision.patch_size,
        "dim": vision.hidden_size,
        "num_heads": vision.num_attention_heads,
        "mlp_dim": vision.intermediate_size,
        "layer_scale": None,
        "activation": vision.hidden_act,
        "norm_eps": vision.layer_norm_eps,
    }
