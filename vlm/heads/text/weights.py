"""Puts CLIP's or SigLIP's published text weights into a text tower.

The folder is one that transformers saved: config.json, model.safetensors and the tokenizer's files.
A tensor of the text tower that the file lacks, or one of another shape, is an error.
"""

from pathlib import Path

from torch import Tensor, nn

from vlm.heads.text.tower import TextConfig
from vlm.weights.io.rename import Rule, fit_rules, for_each, join, rename
from vlm.weights.io.shards import Shards

BOTH = ("weight", "bias")
PREFIXES = ("text_model.", "")
LAYER = [
    *join(
        [f"{{p}}encoder.layers.{{i}}.self_attn.{x}_proj" for x in "qkv"],
        "blocks.{i}.attn.qkv",
        *BOTH,
    ),
    *rename("{p}encoder.layers.{i}.self_attn.out_proj", "blocks.{i}.attn.proj", *BOTH),
    *rename("{p}encoder.layers.{i}.layer_norm1", "blocks.{i}.norm1", *BOTH),
    *rename("{p}encoder.layers.{i}.layer_norm2", "blocks.{i}.norm2", *BOTH),
    *rename("{p}encoder.layers.{i}.mlp.fc1", "blocks.{i}.mlp.fc1", *BOTH),
    *rename("{p}encoder.layers.{i}.mlp.fc2", "blocks.{i}.mlp.fc2", *BOTH),
]
AROUND = [
    *rename("{p}embeddings.token_embedding.weight", "tokens.weight"),
    *rename("{p}embeddings.position_embedding.weight", "positions"),
    *rename("{p}final_layer_norm", "norm", *BOTH),
]
LAST = {
    "clip": rename("text_projection.weight", "proj.weight"),
    "siglip": rename("{p}head", "proj", *BOTH),
}


def text_rules(config: TextConfig, prefix: str = "text_model.") -> list[Rule]:
    """transformers' names of a text tower -> ours."""
    layers = [{"p": prefix, "i": index} for index in range(config.depth)]
    around = for_each([*AROUND, *LAST[config.family]], {"p": prefix})
    return [*around, *for_each(LAYER, *layers)]


def load_text_weights(tower: nn.Module, config: TextConfig, folder: Path) -> None:
    """Reads the text tower of a folder; WeightsError if it does not fit."""
    shards = Shards(folder)
    prefix = PREFIXES[0] if any(n.startswith(PREFIXES[0]) for n in shards.shapes) else PREFIXES[1]
    state = {name: tuple(tensor.shape) for name, tensor in tower.state_dict().items()}
    drop = ["vision_model.*", "logit_*", "visual_projection.*", "*position_ids"]
    fit = fit_rules(text_rules(config, prefix), shards.shapes, state, drop)
    fit.require(folder)
    tensors: dict[str, Tensor] = {}
    for rule in fit.rules:
        tensors.update(rule.apply(shards.get))
    tower.load_state_dict(tensors)


def trained_alignment(folder: Path) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """SigLIP's trained scale (its logarithm) and bias; None of a folder without them."""
    shards = Shards(folder)
    if not {"logit_scale", "logit_bias"} <= shards.shapes.keys():
        return None, None
    return shards.get("logit_scale").float(), shards.get("logit_bias").float()
