"""Loads the tower of a model folder alone, ours or an original one; the rest stays on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights import sources
from vlm.weights.io.rename import fit_rules, rename
from vlm.weights.io.shards import Shards
from vlm.weights.io.soundness import check_formats, check_numbers
from vlm.weights.pvc.published import is_published, open_published

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.config import PVCConfig
    from vlm.encoders.base import VideoEncoder

TOWER = "tower."


def load_tower(folder: Path) -> tuple[PVCConfig, VideoEncoder]:
    """Returns the model's config and its tower in float32.

    Raises WeightsError if the weights do not fit.
    """
    from vlm.encoders import build_tower

    config = sources.config_of(folder)
    tower = build_tower(config.tower_config)
    shapes = {name: tuple(tensor.shape) for name, tensor in tower.state_dict().items()}
    tensors = _published(folder) if is_published(folder) else _own(folder, shapes)
    tower.load_state_dict(tensors)
    check_numbers(tower, folder)
    return config, tower


def _own(folder: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    shards = Shards(folder)
    check_formats(shards)
    found = {name: shape for name, shape in shards.shapes.items() if name.startswith(TOWER)}
    fit = fit_rules([r for name in shapes for r in rename(TOWER + name, name)], found, shapes)
    fit.require(folder)
    return {n: t for rule in fit.rules for n, t in rule.apply(shards.get).items()}


def _published(folder: Path) -> dict[str, Tensor]:
    opened = open_published(folder)
    opened.fit.require(folder)
    rules = (rule for rule in opened.fit.rules if rule.targets[0].startswith(TOWER))
    made = {n: t for rule in rules for n, t in rule.apply(opened.shards.get).items()}
    return {name.removeprefix(TOWER): tensor for name, tensor in made.items()}
