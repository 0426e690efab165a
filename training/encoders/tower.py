"""The encoder of a recipe, and which of its parameters are trained."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from training.encoders.recipe import EncoderRecipe
from training.model.initial_model import load_initial_model
from vlm.assemble.towers import known_preset, read_encoder_tower
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.presets import preset_config

NUM_FRAMES, DROPOUT = 8, 0.1  # for a tower without a preset of its own


@dataclass(frozen=True)
class BuiltTower:
    """An encoder, its config, and how its preset's paper uses it alone."""

    tower: VideoEncoder
    config: TowerConfig
    num_frames: int  # of a clip
    head: Mapping[str, Any]  # arguments of vlm.heads.classification.ClassificationHead


def resolved(recipe: EncoderRecipe) -> EncoderRecipe:
    """Returns the recipe with the numbers that it leaves to the encoder's preset."""
    num_frames, dropout = NUM_FRAMES, DROPOUT
    if recipe.encoder:
        facts = PRESETS[known_preset(recipe.encoder)]
        num_frames, dropout = facts.num_frames, facts.head.get("dropout", 0.0)
    return replace(
        recipe,
        num_frames=recipe.num_frames or num_frames,
        dropout=dropout if recipe.dropout is None else recipe.dropout,
    )


def build(recipe: EncoderRecipe) -> BuiltTower:
    """Returns the encoder of a recipe, with what the recipe does not train frozen."""
    recipe = resolved(recipe)
    torch.manual_seed(recipe.seed)
    built = _built(recipe)
    tower = built.tower
    if recipe.train != "method":
        tower.requires_grad_(recipe.train == "all")
    if recipe.freeze_backbone:
        if not isinstance(tower, ProgressiveEncoder):
            raise ValueError(
                f"`freeze_backbone` is for PVC's tower; of {built.config.encoder}, set `train`"
            )
        tower.backbone.requires_grad_(False)
    return built


def _built(recipe: EncoderRecipe) -> BuiltTower:
    num_frames, head = recipe.num_frames or NUM_FRAMES, {"dropout": recipe.dropout}
    if recipe.encoder:
        facts = PRESETS[known_preset(recipe.encoder)]
        read = read_encoder_tower(recipe.encoder, recipe.tower, recipe.weights)
        tower = build_tower(read.config)
        if read.tensors:
            tower.load_state_dict(read.tensors)
        return BuiltTower(tower, read.config, num_frames, {**facts.head, **head})
    if recipe.preset:
        config = preset_config(recipe.preset).tower_config
        return BuiltTower(build_tower(config), config, num_frames, head)
    saved, _ = load_initial_model(recipe.model, recipe.seed, torch.float32)
    return BuiltTower(saved.tower, saved.config.tower_config, num_frames, head)
