"""Loads published image towers as the tower of a PVC; each family is described in its own module.

    source = tower_source(config of the folder)                 # its sizes, its names
    read_tower(folder, {"temporal": {"num_layers": 8}}) -> config, tensors

The last layers of the image tower become the lower half of the progressive layers. What PVC adds
to them (timestep embedding, AdaLN, temporal attention, gate) is not in the file and stays newly
initialized.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Rule, fit_rules, for_each
from vlm.weights.io.schema import check_dataclass, read_json_object
from vlm.weights.io.shards import Shards
from vlm.weights.towers import clip, internvl, siglip
from vlm.weights.towers.source import TowerSource

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.encoders.config import TowerConfig
    from vlm.encoders.pvc import ProgressiveEncoder

# By the model_type of config.json, or of the vision_config in it.
SOURCES: dict[str, Callable[[Mapping[str, Any]], TowerSource]] = {
    "internvl_chat": internvl.original,
    "intern_vit_6b": internvl.original,  # the type of every InternViT, including the 300M one
    "internvl": internvl.hugging_face,
    "internvl_vision": internvl.hugging_face,
    "clip": clip.source,
    "clip_vision_model": clip.source,
    "siglip": siglip.source,
    "siglip_vision_model": siglip.source,
    "idefics3": siglip.in_smolvlm,
    "idefics3_vision": siglip.in_smolvlm,
    "smolvlm": siglip.in_smolvlm,
    "smolvlm_vision": siglip.in_smolvlm,
    "siglip2": siglip.naflex,
    "siglip2_vision_model": siglip.naflex,
}
# Tensors of a progressive layer that an image tower lacks.
ADDED = ("time.", "temporal_norm.", "temporal_attn.", "alpha")


@dataclass(frozen=True)
class LoadedTower:
    """An image tower read from a file."""

    config: TowerConfig
    tensors: dict[str, Tensor]  # named as in `build_tower`'s module, without what PVC adds
    unused: tuple[str, ...]  # names in the file, such as a head


def tower_source(config: Mapping[str, Any], where: object) -> TowerSource:
    """Describes the tower of a config.json. Raises WeightsError that lists the known families."""
    vision = config.get("vision_config")
    kinds = [config.get("model_type"), vision.get("model_type") if vision else None]
    for kind in kinds:
        if kind in SOURCES:
            try:
                return SOURCES[kind](config)
            except ValueError as error:
                raise WeightsError(f"{where}: {error}") from error
    given = next((f'"{kind}"' for kind in kinds if kind), "none")
    raise WeightsError(
        f"{where}: the model_type {given} is not a known image tower; known are"
        f" {', '.join(SOURCES)}."
    )


def read_tower(folder: Path, changes: Mapping[str, Any]) -> LoadedTower:
    """Reads the image tower of a folder; `changes` override fields of its TowerConfig."""
    import torch

    from vlm.encoders import build_tower, frame_grid
    from vlm.encoders.pvc import progressive
    from vlm.layers.position import resize_positions

    source = tower_source(read_json_object(folder / "config.json").values, folder)
    config = tower_config(source, read_normalization(folder) | dict(changes), folder)
    original = replace(config, image_size=source.fields["image_size"])
    with torch.device("meta"):
        tower = progressive(build_tower(original))
    shards = Shards(folder)
    prefix = tower_prefix(shards.shapes, source.anchor, folder)
    found = {name: shape for name, shape in shards.shapes.items() if name.startswith(prefix)}
    first = original.backbone.depth + original.temporal.num_layers
    unused = [f"encoder.layer*.{layer}.*" for layer in range(first, source.num_layers)]
    fit = fit_rules(
        tower_rules(source, original, prefix),
        found,
        image_shapes(tower),
        drop=[prefix + pattern for pattern in (*source.unused, *unused)],
    )
    fit.require(folder)
    tensors: dict[str, Tensor] = {}
    for rule in fit.rules:
        tensors.update(rule.apply(shards.get))
    if (grid := frame_grid(config)) != frame_grid(original):
        name, num_prefix = "backbone.position_embedding", tower.backbone.num_prefix
        tensors[name] = resize_positions(tensors[name], grid, num_prefix)
    return LoadedTower(config, tensors, fit.dropped)


@dataclass(frozen=True)
class LoadedProjector:
    """InternVL's projector as a compressor without AdaLN."""

    factor: int
    mlp_dim: int
    width: int  # of its language model
    tensors: dict[str, Tensor]  # named as in `AdaptiveCompressor`


def read_projector(folder: Path, dim: int) -> LoadedProjector | None:
    """Reads the projector of a folder, behind a tower of width `dim`; None if missing."""
    import torch

    from vlm.compressor import AdaptiveCompressor
    from vlm.config import CompressorConfig

    shards = Shards(folder)
    for name, rules in internvl.PROJECTORS.items():
        anchor = rules[0].sources[0].removeprefix("{projector}")
        for prefix in _prefixes(shards.shapes, anchor):
            table = for_each(rules, {"projector": prefix})
            first, last = table[2].sources[0], table[4].sources[0]
            if first not in shards.shapes or last not in shards.shapes:
                raise WeightsError(f"{folder}: {prefix}{name} lacks {first} or {last}.")
            mlp_dim, wide = shards.shapes[first]
            width = shards.shapes[last][0]
            factor = math.isqrt(wide // dim)
            config = CompressorConfig(factor=factor, mlp_dim=mlp_dim, adaptive=False)
            with torch.device("meta"):
                ours = AdaptiveCompressor(dim, width, config)
            expected = {key: tuple(tensor.shape) for key, tensor in ours.state_dict().items()}
            found = {n: s for n, s in shards.shapes.items() if n.startswith(prefix + name)}
            fit = fit_rules(table, found, expected)
            fit.require(folder)
            tensors: dict[str, Tensor] = {}
            for rule in fit.rules:
                tensors.update(rule.apply(shards.get))
            return LoadedProjector(factor, mlp_dim, width, tensors)
    return None


def tower_config(source: TowerSource, changes: Mapping[str, Any], where: object) -> TowerConfig:
    """Returns the config of the tower; by default a third of its layers become temporal."""
    from vlm.config_upgrade import upgrade
    from vlm.encoders.config import TowerConfig

    changes = upgrade("tower", changes)
    known = {field.name for field in fields(TowerConfig)}
    if strange := sorted(changes.keys() - known):
        raise WeightsError(
            f"a tower has no field {', '.join(strange)}; its fields are {', '.join(sorted(known))}."
        )
    if "depth" in changes.get("backbone", {}):
        raise WeightsError(
            f"{where}: depth is {source.num_layers} layers minus temporal.num_layers; set"
            " temporal.num_layers instead."
        )
    requested = upgrade("tower", source.fields, changes)
    layer = requested["backbone"]["feature_layer"]
    used = source.num_layers + 1 + layer
    temporal = requested.setdefault("temporal", {}).setdefault("num_layers", used // 3)
    if not 0 <= temporal <= used <= source.num_layers:
        raise WeightsError(
            f"{where}: a tower of {source.num_layers} layers cannot return the features of layer"
            f" {layer} with {temporal} temporal layers."
        )
    if layer != -1:
        requested["final_norm"] = False  # it is trained on the output of the last layer
    requested["temporal"].setdefault("num_heads", requested["block"]["num_heads"])
    requested["backbone"]["depth"] = used - temporal
    return TowerConfig(**requested)


def tower_rules(source: TowerSource, config: TowerConfig, prefix: str) -> list[Rule]:
    """Returns the rules for one file."""
    depth = config.backbone.depth
    layers = [
        {
            "tower": prefix,
            "layer": layer,
            "target": f"backbone.layers.{layer}" if layer < depth else f"blocks.{layer - depth}",
        }
        for layer in range(depth + config.temporal.num_layers)
    ]
    ending = source.final_norm if config.final_norm else ()
    return [
        *for_each([*source.embeddings, *ending], {"tower": prefix}),
        *for_each(source.layer, *layers),
    ]


def image_shapes(tower: ProgressiveEncoder) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of our tower's tensors that an image tower provides."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in tower.state_dict().items()
        if not (name.startswith("blocks.") and name.split(".", 2)[2].startswith(ADDED))
    }


def read_normalization(folder: Path) -> dict[str, Any]:
    """Reads image_mean and image_std from preprocessor_config.json, if it has them."""
    from vlm.encoders.config import TowerConfig

    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return {}
    given = read_json_object(path)
    check_dataclass(given.only("image_mean", "image_std"), TowerConfig)
    names = ("image_mean", "image_std")
    return {name: tuple(given.values[name]) for name in names if name in given}


def tower_prefix(names: Mapping[str, Any], anchor: str, where: Path) -> str:
    """Returns the prefix of the tower's names in the file: "", `vision_model.`, ..."""
    prefixes = _prefixes(names, anchor)
    if len(prefixes) != 1:
        raise WeightsError(
            f"{where}: exactly one tensor of an image tower must be called {anchor}; found"
            f" {', '.join(prefix + anchor for prefix in prefixes) or 'none'}."
        )
    return prefixes[0]


def _prefixes(names: Mapping[str, Any], anchor: str) -> list[str]:
    prefixes = [name.removesuffix(anchor) for name in names if name.endswith(anchor)]
    # A text tower may have a tensor of the same name.
    return [
        prefix
        for prefix in prefixes
        if (not prefix or prefix.endswith(".")) and not prefix.endswith("text_model.")
    ]
