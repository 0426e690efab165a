"""Classifies clips: a norm, dropout and one linear layer on the mean of an encoder's tokens.

`VideoClassifier` is an encoder with this head. `python -m training.encoders` trains it; its folder
has config.json, tower.safetensors and head.safetensors.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import TowerConfig
from vlm.image_processor import PVCImageProcessor
from vlm.timesteps import relative_timesteps
from vlm.weights.io.files import WeightsError, read_safetensors, write_safetensors


class ClassificationHead(nn.Module):
    """[B, P] -> [B, K].

    Most published heads are this without the norm; VTN's and DualPath's have a hidden layer.
    """

    def __init__(
        self,
        dim: int,
        num_classes: int,
        dropout: float = 0.0,
        *,
        norm: bool = True,
        hidden_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim) if norm else nn.Identity()
        self.hidden = (
            nn.Identity()
            if hidden_dim is None
            else nn.Sequential(nn.Linear(dim, hidden_dim), nn.GELU())
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_dim or dim, num_classes)
        self.options = {"dropout": dropout, "norm": norm, "hidden_dim": hidden_dim}

    def forward(self, pooled: Tensor) -> Tensor:
        return self.linear(self.dropout(self.hidden(self.norm(pooled))))


class VideoClassifier(nn.Module):
    """An encoder and a head: clip [B, T, 3, H, W], times [B, T] -> logits [B, K]."""

    def __init__(
        self, tower: VideoEncoder, num_classes: int, dropout: float = 0.0, **head: Any
    ) -> None:
        """`head` has the other arguments of `ClassificationHead`."""
        super().__init__()
        self.tower = tower
        self.head = ClassificationHead(tower.pooled_dim, num_classes, dropout, **head)

    def forward(self, clip: Tensor, times: Tensor | None = None) -> Tensor:
        return self.head(self.tower(clip, times).pooled)


def clip_pixels(frames: np.ndarray, config: TowerConfig) -> Tensor:
    """uint8 [T, H, W, 3] -> float [T, 3, S, S], the input of the tower."""
    pictures = PVCImageProcessor(config.image_size, config.image_mean, config.image_std)
    return pictures.pixel_values(pictures.squares(frames))


def clip_times(seconds: list[float], config: TowerConfig) -> Tensor:
    """Seconds of T frames -> timesteps [T]."""
    return torch.tensor(relative_timesteps(seconds, config.timestep_scale, config.timestep_form))


def save_classifier(
    model: VideoClassifier,
    config: TowerConfig,
    classes: list[str],
    folder: Path,
    num_frames: int | None = None,
) -> None:
    """Writes three files; the tower's tensors are named as in an assistant's model.

    `num_frames` is of the clips that it was trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {
        "tower": asdict(config),
        "classes": classes,
        "head": model.head.options,
    }
    if num_frames is not None:
        about["num_frames"] = num_frames
    (folder / "config.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for part in ("tower", "head"):
        tensors = {
            name: tensor
            for name, tensor in model.state_dict().items()
            if name.startswith(f"{part}.")
        }
        write_safetensors(tensors, folder / f"{part}.safetensors")


def load_classifier(folder: Path) -> tuple[VideoClassifier, TowerConfig, list[str]]:
    """Returns the model, its tower's config and class names; WeightsError if weights do not fit."""
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config, classes = TowerConfig(**upgrade("tower", about["tower"])), list(about["classes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} is not the folder of a classifier: {error}") from error
    model = VideoClassifier(build_tower(config), len(classes), **about.get("head", {}))
    tensors = {
        **read_safetensors(folder / "tower.safetensors"),
        **read_safetensors(folder / "head.safetensors"),
    }
    wanted = model.state_dict().keys()
    if tensors.keys() != wanted:
        wrong = sorted(tensors.keys() ^ wanted)
        raise WeightsError(f"{folder} has other weights than this classifier: {wrong[:5]}")
    model.load_state_dict(tensors)
    return model.eval(), config, classes
