"""An encoder to compute features with: a preset with weights, or the tower of a model."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from vlm.encoders import ENCODERS, PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.encoders.find import find_preset
from vlm.encoders.on_image import OnImageTransformer
from vlm.encoders.preset import Preset
from vlm.plural import plural
from vlm.weights import sources
from vlm.weights.io.files import WeightsError
from vlm.weights.video_models.image_base import load_image_base
from vlm.weights.video_models.read import load_video_model, weights_path


@dataclass(frozen=True)
class ChosenEncoder:
    """An encoder in evaluation mode, and what a user should know of it."""

    tower: VideoEncoder
    config: TowerConfig
    name: str  # of the preset, or of the model
    num_frames: int  # of a clip, as published
    looks: int  # at an image
    weights: str  # the file or folder, or "random, seed 0"
    notice: str = ""  # a sentence if the weights are not all trained

    def digest(self) -> str:
        """SHA-256 of all weights: which ones made a feature, whatever their file is called."""
        found = hashlib.sha256()
        for name, tensor in sorted(self.tower.state_dict().items()):
            found.update(name.encode())
            found.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return found.hexdigest()


def choose_encoder(name: str, weights: str | None = None, seed: int = 0) -> ChosenEncoder:
    """Builds the encoder that a user names, in float32 on the CPU.

    `name` is a preset, an encoder (its first preset), "embedded", or a folder or Hub id of a model,
    whose tower is taken. `weights`, of a preset: a published file of it, one that
    `training.encoders` wrote, or the folder of the image model (CLIP, SigLIP) that it is built on;
    None: random ones. Raises ValueError, one sentence, for anything else.
    """
    if name not in ENCODERS and name not in PRESETS and _is_model(name):
        if weights is not None:
            raise ValueError(f"{name} is a model with weights of its own; leave out --weights.")
        return _tower_of_model(name)
    preset, facts = find_preset(name)
    if weights is None:
        tower, known = _random(facts, seed), f"random, seed {seed}"
        notice = (
            f"{preset} has random weights (seed {seed}), so its features carry no meaning; "
            f"{_where(facts)}"
        )
    elif (path := weights_path(weights)).is_dir():
        (tower, notice), known = _on_image_model(preset, facts, path, seed), path.name
    else:
        tower, known, notice = load_video_model(path, preset), path.name, ""
    return ChosenEncoder(tower.eval(), facts.tower, preset, facts.num_frames, 1, known, notice)


def _is_model(name: str) -> bool:
    return name == sources.EMBEDDED or "/" in name or Path(name).expanduser().is_dir()


def _tower_of_model(name: str) -> ChosenEncoder:
    from vlm.weights.tower import load_tower  # imports transformers

    folder = sources.resolve(name)
    config, tower = load_tower(folder)
    prompt = config.prompt_config
    known = name if name == sources.EMBEDDED else folder.name
    frames, looks = prompt.default_frames, prompt.looks
    return ChosenEncoder(tower.eval(), config.tower_config, known, frames, looks, known)


def _random(facts: Preset, seed: int) -> VideoEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_tower(facts.tower)


def _where(facts: Preset) -> str:
    """Returns where trained weights are, as the end of a sentence."""
    if facts.weights == "none":
        return "none are published, so train it (training.encoders) and name the file as --weights."
    return f"--weights reads published ones: {facts.weights} (license: {facts.weights_license})."


def _on_image_model(
    preset: str, facts: Preset, folder: Path, seed: int
) -> tuple[VideoEncoder, str]:
    """Returns the encoder on the image model of a folder, and what a user should know of it."""
    tower = _random(facts, seed)
    if not isinstance(tower, OnImageTransformer):
        raise WeightsError(
            f"{folder} is a folder, and {preset} is not built on an image model; name a file."
        )
    fresh = load_image_base(folder, tower, facts.tower)
    notice = (
        f"{preset} has the image model of {folder.name}, and {plural(len(fresh), 'tensor')} of its"
        f" own that {'is' if len(fresh) == 1 else 'are'} untrained."
        if fresh
        else ""
    )
    return tower, notice
