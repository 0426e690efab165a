"""The tower of a new model: a published image tower, an encoder of vlm/encoders, or fresh sizes."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlm.config_upgrade import upgrade
from vlm.encoders import ENCODERS, build_tower
from vlm.encoders import PRESETS as ENCODER_PRESETS
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.encoders.find import did_you_mean
from vlm.encoders.on_image import OnImageTransformer
from vlm.presets import INTERNVIT_300M, PRESETS
from vlm.weights import base_models
from vlm.weights.io.files import WeightsError
from vlm.weights.sources import resolve
from vlm.weights.towers.read import LoadedProjector, read_projector, read_tower
from vlm.weights.video_models.image_base import load_image_base
from vlm.weights.video_models.read import load_video_model, weights_path

FRESH, EFFICIENTNET = "fresh", "efficientnet-lite2"
FACTORS = (4, 3, 2, 1)  # sides of squares of patches to choose from


@dataclass(frozen=True)
class ImageTower:
    """The parts of a new tower that come from a file."""

    config: TowerConfig
    tensors: Mapping[str, Tensor]
    projector: LoadedProjector | None = None


def read_image_tower(name: str, changes: Mapping[str, Any]) -> ImageTower:
    """Reads a tower from a folder, a Hub id or the package of efficientnet-lite2, or "fresh"."""
    if name == FRESH:
        return ImageTower(TowerConfig(**upgrade("tower", INTERNVIT_300M, changes)), {})
    if name == EFFICIENTNET:
        tensors = base_models.backbone_tensors(base_models.efficientnet_lite2())
        plain = upgrade("tower", PRESETS["embedded"]["tower"], {"alpha": 0.0}, changes)
        return ImageTower(
            TowerConfig(**plain), {f"backbone.{name}": t for name, t in tensors.items()}
        )
    folder = _resolve(name)
    read = read_tower(folder, changes)
    return ImageTower(read.config, read.tensors, read_projector(folder, read.config.block.dim))


def _resolve(name: str) -> Path:
    """The folder of an image model; a word that is like an encoder's name is a mistyped one."""
    try:
        return resolve(name)
    except WeightsError as error:
        near = did_you_mean(name)
        if "/" in name or Path(name).exists() or "?" not in near:
            raise
        raise WeightsError(
            f"{name} is neither a folder, nor a repository on huggingface.co, nor an encoder{near}"
        ) from error


def encoder_preset(name: str) -> str | None:
    """The preset that `name` means: itself, or the first of an encoder; None for other names."""
    if name in ENCODER_PRESETS:
        return name
    return next(iter(ENCODERS[name].presets), None) if name in ENCODERS else None


def known_preset(name: str) -> str:
    """Returns the preset that `name` means.

    Raises ValueError that lists the encoders for an unknown name.
    """
    preset = encoder_preset(name)
    if preset is None:
        known = ", ".join(encoder for encoder, kind in ENCODERS.items() if kind.presets)
        raise ValueError(
            f'no encoder "{name}"; there are {known}, and their presets, such as'
            f" {next(iter(ENCODER_PRESETS))} (vlm/encoders){did_you_mean(name)}"
        )
    return preset


def read_encoder_tower(name: str, changes: Mapping[str, Any], weights: str = "") -> ImageTower:
    """Returns an encoder of the table as a tower, by the name of a preset or of the encoder.

    `changes` are fields of its TowerConfig. `weights` is a published file of the encoder, or the
    folder of the image model (CLIP, SigLIP) that it is built on; without them all is random.
    Raises ValueError for fields that only the progressive tower has.
    """
    preset = known_preset(name)
    config = ENCODER_PRESETS[preset].tower
    if strange := {"encoder", "temporal", "final_norm"} & changes.keys():
        raise ValueError(
            f"tower.{min(strange)} is a field of PVC's tower; {name} takes"
            " tower.image_size, tower.timestep_scale and tower.options"
        )
    config = TowerConfig(**upgrade("tower", asdict(config), changes))
    with torch.device("meta"):
        channels = build_tower(config).in_channels
    if channels != 3:
        raise ValueError(
            f"{name} takes frames of {channels} channels, and an assistant's have three"
        )
    if not weights:
        return ImageTower(config, {})
    path = weights_path(weights)
    if not path.is_dir():
        return ImageTower(config, load_video_model(path, preset, config).state_dict())
    tower = build_tower(config)
    if not isinstance(tower, OnImageTransformer):
        raise ValueError(
            f"{weights} is a folder, which is for encoders built on an image transformer; give"
            f" {name} a published file"
        )
    load_image_base(path, tower, config)
    return ImageTower(config, tower.state_dict())


def square_side(grid: tuple[int, int], wanted: int) -> int:
    """The side of the squares of patches that become one token: the one nearest to `wanted`.

    It divides both sides of the grid. Of a grid without such squares (7 x 7, 1 x 1) every patch
    is a token by itself: 1.
    """
    dividing = [side for side in FACTORS if not math.gcd(*grid) % side]
    return min(dividing, key=lambda side: abs(side - wanted))


def has_global_token(config: TowerConfig) -> bool:
    """Returns whether the encoder gives one token for each whole frame."""
    return _features(config).global_token is not None


def check_any_length(config: TowerConfig) -> None:
    """Raises ValueError for an encoder of clips of one length: an assistant's have any."""
    try:
        _features(config)
    except ValueError as error:
        raise ValueError(
            f"{config.encoder} cannot be the tower of an assistant: {error}"
        ) from error


def _features(config: TowerConfig) -> VideoFeatures:
    """Returns the features of one frame, without values."""
    with torch.device("meta"), torch.no_grad():
        tower = build_tower(config).eval()
        side = config.image_size
        return tower(torch.empty(1, 1, tower.in_channels, side, side))
