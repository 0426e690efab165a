"""Published image towers as towers of ours: what a family's file says of them is in its own module.

    source = source_of(config of the folder)                 # its numbers, its names
    read_tower(folder, {"num_temporal_layers": 8}) -> config, tensors

The last layers of the image tower become the lower half of the progressive layers; what PVC adds
to them (time, AdaLN, temporal attention, the gate) is not in the file and stays fresh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Rule, fit_rules, for_each
from vlm.weights.io.schema import check_dataclass, read_json
from vlm.weights.io.shards import Shards
from vlm.weights.towers import clip, internvl, siglip
from vlm.weights.towers.source import TowerSource

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.config import TowerConfig
    from vlm.encoders.pvc import ProgressiveEncoder

# By the model_type of config.json, or of the vision_config in it.
SOURCES: dict[str, Callable[[Mapping[str, Any]], TowerSource]] = {
    "internvl_chat": internvl.original,
    "intern_vit_6b": internvl.original,  # what every InternViT is called, the small one too
    "internvl": internvl.hugging_face,
    "internvl_vision": internvl.hugging_face,
    "clip": clip.source,
    "clip_vision_model": clip.source,
    "siglip": siglip.source,
    "siglip_vision_model": siglip.source,
    "siglip2": siglip.naflex,
    "siglip2_vision_model": siglip.naflex,
}
# What a progressive layer has and an image tower has not.
ADDED = ("time.", "temporal_norm.", "temporal_attn.", "alpha")


@dataclass(frozen=True)
class ReadTower:
    """An image tower out of a file."""

    config: TowerConfig
    tensors: dict[str, Tensor]  # under the names of `build_tower`'s module; the added ones lack
    unused: tuple[str, ...]  # of the tower, such as a head


def source_of(config: Mapping[str, Any], where: object) -> TowerSource:
    """The tower that a config.json describes. Raises WeightsError naming the known families."""
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
        f"{where}: no image tower is known by this model_type ({given}); known are"
        f" {', '.join(SOURCES)}."
    )


def read_tower(folder: Path, changes: Mapping[str, Any]) -> ReadTower:
    """A folder's image tower with `changes` to its TowerConfig, such as num_temporal_layers."""
    import torch

    from vlm.encoders.build import build_tower
    from vlm.layers.position import resize_positions

    source = source_of(read_json(folder / "config.json").values, folder)
    config = tower_config(source, read_normalisation(folder) | dict(changes), folder)
    original = replace(config, image_size=source.fields["image_size"])
    with torch.device("meta"):
        tower = build_tower(original)
    shards = Shards(folder)
    prefix = _prefix(shards.shapes, source.anchor, folder)
    found = {name: shape for name, shape in shards.shapes.items() if name.startswith(prefix)}
    first = original.depth + original.num_temporal_layers
    unused = [f"encoder.layer*.{layer}.*" for layer in range(first, source.num_layers)]
    fit = fit_rules(
        tower_rules(source, original, prefix),
        found,
        image_shapes(tower),
        drop=[prefix + pattern for pattern in (*source.unused, *unused)],
    )
    fit.refuse(folder)
    tensors: dict[str, Tensor] = {}
    for rule in fit.rules:
        tensors.update(rule.apply(shards.get))
    if config.grid != original.grid:
        name, num_prefix = "backbone.position_embedding", tower.backbone.num_prefix
        tensors[name] = resize_positions(tensors[name], config.grid, num_prefix)
    return ReadTower(config, tensors, fit.dropped)


@dataclass(frozen=True)
class ReadProjector:
    """InternVL's projector as a compressor without AdaLN."""

    factor: int
    mlp_dim: int
    width: int  # of the language model it was made for
    tensors: dict[str, Tensor]  # under the names of `AdaptiveCompressor`


def read_projector(folder: Path, dim: int) -> ReadProjector | None:
    """A folder's projector behind a tower of width `dim`, or None where it holds none."""
    import torch

    from vlm.compressor import AdaptiveCompressor

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
            with torch.device("meta"):
                ours = AdaptiveCompressor(dim, width, factor, mlp_dim, adaptive=False)
            wanted = {key: tuple(tensor.shape) for key, tensor in ours.state_dict().items()}
            here = {n: s for n, s in shards.shapes.items() if n.startswith(prefix + name)}
            fit = fit_rules(table, here, wanted)
            fit.refuse(folder)
            tensors: dict[str, Tensor] = {}
            for rule in fit.rules:
                tensors.update(rule.apply(shards.get))
            return ReadProjector(factor, mlp_dim, width, tensors)
    return None


def tower_config(source: TowerSource, changes: Mapping[str, Any], where: object) -> TowerConfig:
    """The config of the source's tower; without a word a third of its layers become temporal."""
    from vlm.config import TowerConfig

    wished = {**source.fields, **changes}
    known = {field.name for field in fields(TowerConfig)}
    if strange := sorted(wished.keys() - known):
        raise WeightsError(
            f"a tower has no {', '.join(strange)}; it has {', '.join(sorted(known))}."
        )
    if "depth" in changes:
        raise WeightsError(
            f"{where}: depth is what num_temporal_layers leaves of its {source.num_layers} layers;"
            " set that instead."
        )
    used = source.num_layers + 1 + wished["feature_layer"]
    temporal = wished.setdefault("num_temporal_layers", used // 3)
    if not 0 <= temporal <= used <= source.num_layers:
        raise WeightsError(
            f"{where}: a tower of {source.num_layers} layers cannot give the features of layer"
            f" {wished['feature_layer']} with {temporal} temporal layers."
        )
    if wished["feature_layer"] != -1:
        wished["final_norm"] = False  # it is trained for what the last layer gives
    wished.setdefault("temporal_heads", wished["num_heads"])
    wished["depth"] = used - temporal
    return TowerConfig(**wished)


def tower_rules(source: TowerSource, config: TowerConfig, prefix: str) -> list[Rule]:
    """The whole table for one file."""
    layers = [
        {
            "tower": prefix,
            "layer": layer,
            "target": f"backbone.layers.{layer}"
            if layer < config.depth
            else f"blocks.{layer - config.depth}",
        }
        for layer in range(config.depth + config.num_temporal_layers)
    ]
    ending = source.final_norm if config.final_norm else ()
    return [
        *for_each([*source.embeddings, *ending], {"tower": prefix}),
        *for_each(source.layer, *layers),
    ]


def image_shapes(tower: ProgressiveEncoder) -> dict[str, tuple[int, ...]]:
    """Shapes of what an image tower can fill of ours."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in tower.state_dict().items()
        if not (name.startswith("blocks.") and name.split(".", 2)[2].startswith(ADDED))
    }


def read_normalisation(folder: Path) -> dict[str, Any]:
    """Mean and deviation of the pictures, where preprocessor_config.json has them."""
    from vlm.config import TowerConfig

    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return {}
    given = read_json(path)
    check_dataclass(given.only("image_mean", "image_std"), TowerConfig)
    names = ("image_mean", "image_std")
    return {name: tuple(given.values[name]) for name in names if name in given}


def _prefix(names: Mapping[str, Any], anchor: str, where: Path) -> str:
    """What the file puts in front of the tower's names: nothing, `vision_model.`, ..."""
    prefixes = _prefixes(names, anchor)
    if len(prefixes) != 1:
        raise WeightsError(
            f"{where}: one tensor of an image tower should be called {anchor}, and"
            f" {len(prefixes)} are: {', '.join(prefix + anchor for prefix in prefixes) or 'none'}."
        )
    return prefixes[0]


def _prefixes(names: Mapping[str, Any], anchor: str) -> list[str]:
    prefixes = [name.removesuffix(anchor) for name in names if name.endswith(anchor)]
    # A text tower may have something of the same name.
    return [
        prefix
        for prefix in prefixes
        if (not prefix or prefix.endswith(".")) and not prefix.endswith("text_model.")
    ]
