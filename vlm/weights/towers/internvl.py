"""Reads InternViT and InternVL's projector, under OpenGVLab's names or those of transformers.

The smaller models of InternVL2, 2.5 and 3 use InternViT-300M-448px. The 6B tower of the largest
ones has other norms and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlm.weights.io.rename import Rule, join, rename
from vlm.weights.towers.source import TowerSource, square_side, vision_config

BOTH = ("weight", "bias")

# The prefix is `vision_model.` in InternVL and empty in InternViT's own folders.
ORIGINAL_EMBEDDINGS = [
    *rename("{tower}embeddings.class_embedding", "backbone.class_embedding"),
    *rename("{tower}embeddings.position_embedding", "backbone.position_embedding"),
    *rename("{tower}embeddings.patch_embedding", "backbone.patch_embedding", *BOTH),
]
ORIGINAL_LAYER = [
    rule
    for part in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2", "norm1", "norm2")
    for rule in rename(f"{{tower}}encoder.layers.{{layer}}.{part}", f"{{target}}.{part}", *BOTH)
] + [
    *rename("{tower}encoder.layers.{layer}.ls1", "{target}.ls1"),
    *rename("{tower}encoder.layers.{layer}.ls2", "{target}.ls2"),
]

HF_EMBEDDINGS = [
    *rename("{tower}embeddings.cls_token", "backbone.class_embedding"),
    *rename("{tower}embeddings.position_embeddings", "backbone.position_embedding"),
    *rename("{tower}embeddings.patch_embeddings.projection", "backbone.patch_embedding", *BOTH),
]
_HF_LAYER = "{tower}encoder.layer.{layer}."
HF_LAYER = [
    *join([f"{_HF_LAYER}attention.{part}_proj" for part in "qkv"], "{target}.attn.qkv", *BOTH),
    *rename(f"{_HF_LAYER}attention.projection_layer", "{target}.attn.proj", *BOTH),
    *rename(f"{_HF_LAYER}layernorm_before", "{target}.norm1", *BOTH),
    *rename(f"{_HF_LAYER}layernorm_after", "{target}.norm2", *BOTH),
    *rename(f"{_HF_LAYER}mlp.fc1", "{target}.mlp.fc1", *BOTH),
    *rename(f"{_HF_LAYER}mlp.fc2", "{target}.mlp.fc2", *BOTH),
    *rename(f"{_HF_LAYER}lambda_1", "{target}.ls1"),
    *rename(f"{_HF_LAYER}lambda_2", "{target}.ls2"),
]

# The compressor without AdaLN is InternVL's projector: LayerNorm, Linear, GELU, Linear.
PROJECTORS: dict[str, list[Rule]] = {
    "mlp1.": [
        *rename("{projector}mlp1.0", "norm", *BOTH),
        *rename("{projector}mlp1.1", "mlp.fc1", *BOTH),
        *rename("{projector}mlp1.3", "mlp.fc2", *BOTH),
    ],
    "multi_modal_projector.": [
        *rename("{projector}multi_modal_projector.layer_norm", "norm", *BOTH),
        *rename("{projector}multi_modal_projector.linear_1", "mlp.fc1", *BOTH),
        *rename("{projector}multi_modal_projector.linear_2", "mlp.fc2", *BOTH),
    ],
}


def original(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of an InternVL (`internvl_chat`) or an InternViT, from config.json."""
    vision = vision_config(config)
    # The defaults of missing fields are those of InternViT-6B.
    _refuse_6b(vision.get("norm_type", "rms_norm"), vision.get("qk_normalization", True))
    if not vision.get("qkv_bias", False):
        raise ValueError("its attention has no bias; every InternViT-300M has one")
    if config.get("ps_version", "v2") != "v2":
        raise ValueError('its tokens have the order of ps_version "v1"; only "v2" is supported')
    return TowerSource(
        fields=_fields(vision, config.get("select_layer", -1)),
        num_layers=vision["num_hidden_layers"],
        anchor="embeddings.class_embedding",
        embeddings=ORIGINAL_EMBEDDINGS,
        layer=ORIGINAL_LAYER,
    )


def hugging_face(config: Mapping[str, Any]) -> TowerSource:
    """Describes the tower of transformers' `InternVLForConditionalGeneration`, from config.json.

    Also reads the config of its vision model alone.
    """
    from transformers import InternVLVisionConfig

    vision = InternVLVisionConfig(**vision_config(config)).to_dict()
    _refuse_6b(vision["norm_type"], vision["use_qk_norm"])
    if not vision["attention_bias"] or not vision["use_absolute_position_embeddings"]:
        raise ValueError(
            "it lacks attention biases or absolute position embeddings; InternViT has both"
        )
    final_norm = not vision["use_mean_pooling"]
    return TowerSource(
        fields={
            **_fields(vision, config.get("vision_feature_layer", -1)),
            "final_norm": final_norm,
        },
        num_layers=vision["num_hidden_layers"],
        anchor="embeddings.cls_token",
        embeddings=HF_EMBEDDINGS,
        layer=HF_LAYER,
        final_norm=rename("{tower}layernorm", "norm", *BOTH),
        unused=("embeddings.mask_token", "layernorm.*"),
    )


def _fields(vision: Mapping[str, Any], feature_layer: Any) -> dict[str, Any]:
    if not isinstance(feature_layer, int):
        raise ValueError(f"its features come from several layers, {feature_layer}; use one")
    try:
        return {
            "backbone": "vit",
            "image_size": square_side(vision["image_size"], "image_size"),
            "patch_size": square_side(vision["patch_size"], "patch_size"),
            "dim": vision["hidden_size"],
            "num_heads": vision["num_attention_heads"],
            "mlp_dim": vision["intermediate_size"],
            "activation": vision.get("hidden_act", "gelu"),
            "norm_eps": vision.get("layer_norm_eps", 1e-6),
            "feature_layer": feature_layer,
        }
    except KeyError as error:
        raise ValueError(f"its vision_config lacks {error.args[0]}") from None


def _refuse_6b(norm: str, qk_norm: bool) -> None:
    if norm != "layer_norm" or qk_norm:
        raise ValueError(
            f"its tower has the norms of InternViT-6B ({norm}, on queries and keys: {qk_norm});"
            " only towers like InternViT-300M are supported"
        )
