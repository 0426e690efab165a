"""Puts a published image model into an encoder that is built on one.

    fresh = load_image_base(folder, tower, config)      # the tensors that stay newly initialized

The folder is CLIP's or SigLIP's, as transformers saves them. A tensor of the image model that the
encoder lacks, or the other way around, is an error; only what the encoder adds stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Rule, Shape, fit_rules, for_each, rename
from vlm.weights.io.schema import read_json_object
from vlm.weights.io.shards import Shards
from vlm.weights.towers.read import tower_prefix, tower_source

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.encoders.config import TowerConfig
    from vlm.encoders.on_image import OnImageTransformer
    from vlm.weights.towers.source import TowerSource

BOTH = ("weight", "bias")
# SigLIP's attention pooling, of encoders that keep it.
HEAD = [
    *rename("{tower}head.probe", "head.probe"),
    *rename("{tower}head.attention.in_proj_weight", "head.attn.qkv.weight"),
    *rename("{tower}head.attention.in_proj_bias", "head.attn.qkv.bias"),
    *rename("{tower}head.attention.out_proj", "head.attn.proj", *BOTH),
    *rename("{tower}head.layernorm", "head.norm", *BOTH),
    *rename("{tower}head.mlp.fc1", "head.mlp.fc1", *BOTH),
    *rename("{tower}head.mlp.fc2", "head.mlp.fc2", *BOTH),
]


def load_image_base(
    folder: Path, tower: OnImageTransformer, config: TowerConfig
) -> tuple[str, ...]:
    """Returns the names of the tensors that the image model lacks. WeightsError if it misfits."""
    source = tower_source(read_json_object(folder / "config.json").values, folder)
    family = source.fields["backbone"]
    if family != config.backbone.name:
        raise WeightsError(
            f"{folder} has a {family} image model, and this encoder is built on"
            f" {config.backbone.name}."
        )
    shards = Shards(folder)
    prefix = tower_prefix(shards.shapes, source.anchor, folder)
    state = {name: tuple(tensor.shape) for name, tensor in tower.state_dict().items()}
    rules = _rules(source, tower, config.backbone.depth, prefix, state)
    targets = {name for rule in rules for name in rule.targets}
    wanted = {name for rule in rules for name in rule.sources}
    fit = fit_rules(
        rules,
        {n: s for n, s in shards.shapes.items() if n.startswith(prefix) or n in wanted},
        {name: shape for name, shape in state.items() if name in targets},
        drop=[prefix + pattern for pattern in source.unused] + _outside_tower(prefix),
    )
    fit.require(folder)
    tensors: dict[str, Tensor] = {}
    for rule in fit.rules:
        tensors.update(rule.apply(shards.get))
    tower.load_state_dict(tensors, strict=False)
    tower.use_image_weights()
    return tuple(name for name in state if name not in targets)


def _outside_tower(prefix: str) -> list[str]:
    """Patterns of what else a file without a prefix holds."""
    return [] if prefix else ["text_model.*", "logit_*", "*_projection.weight"]


def _rules(
    source: TowerSource,
    tower: OnImageTransformer,
    depth: int,
    prefix: str,
    state: Mapping[str, Shape],
) -> list[Rule]:
    around = list(source.embeddings)
    if tower.keeps_last_norm:
        around += rename("{tower}post_layernorm", "norm", *BOTH)
    if "head.probe" in state:
        around += HEAD
    if "proj.weight" in state:
        around += rename("visual_projection.weight", "proj.weight")
    layers = [{"tower": prefix, "layer": i, "target": f"blocks.{i}"} for i in range(depth)]
    rules = [*for_each(around, {"tower": prefix}), *for_each(source.layer, *layers)]
    return [_in_stem(rule, state) for rule in rules]


def _in_stem(rule: Rule, state: Mapping[str, Shape]) -> Rule:
    """The rule with targets in the encoder's stem; a patch of one frame is put in the middle."""
    targets = tuple(name.replace("backbone.", "stem.") for name in rule.targets)
    shape = state.get(targets[0], ())
    if targets == ("stem.patch_embedding.weight",) and len(shape) == 5:
        return Rule(rule.sources, targets, lambda weight: [_middle(weight, shape[2])], "inflated")
    return Rule(rule.sources, targets, rule.transform, rule.note)


def _middle(weight: Tensor, num_frames: int) -> Tensor:
    """[C, 3, P, P] -> [C, 3, T, P, P], zero for all frames but the middle one."""
    out = weight.new_zeros(*weight.shape[:2], num_frames, *weight.shape[2:])
    out[:, :, num_frames // 2] = weight
    return out
