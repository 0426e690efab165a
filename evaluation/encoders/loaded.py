"""A trained encoder with its heads, loaded from the folder that `training.encoders` writes.

OUTPUT/tasks         an encoder with a text side and heads by task (vlm/heads/folder.py)
OUTPUT/classifier    an encoder with one head over fixed classes (vlm/heads/classification.py)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.json_files import read_json
from evaluation.runs.provenance import weights_hash
from vlm.encoders.base import VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.heads.classification import (
    VideoClassifier,
    clip_pixels,
    clip_times,
    load_classifier,
)
from vlm.heads.folder import load_encoder_with_heads
from vlm.heads.video_text import VideoText

FOLDERS = ("tasks", "classifier")


@dataclass(frozen=True, eq=False)
class LoadedEncoder:
    """An encoder in evaluation mode; `classes` are those of a head over fixed ones, else ()."""

    model: VideoText | VideoClassifier
    config: TowerConfig
    num_frames: int  # of a clip in training
    tasks: tuple[str, ...]
    classes: tuple[str, ...]
    name: str

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def num_tokens(self, num_frames: int) -> int:
        """Tokens of one clip."""
        S = self.config.image_size
        return math.prod(self.model.tower.token_grid(num_frames, S, S))

    def pixels(self, frames: NDArray[np.uint8]) -> Tensor:
        """uint8 [T, H, W, 3] -> clip [1, T, 3, S, S]."""
        return clip_pixels(frames, self.config)[None].to(self.device)

    def features(self, clip: Tensor, seconds: list[float]) -> VideoFeatures:
        """Returns the encoder's features of one clip."""
        times = clip_times(seconds, self.config)[None].to(self.device)
        if isinstance(self.model, VideoClassifier):
            return self.model.tower(clip, times)
        return self.model.features(clip, times)

    def class_scores(self, features: VideoFeatures, classes: Sequence[str]) -> Tensor:
        """Probabilities [1, K]; each by itself after a sigmoid, or shares that add up to 1.

        Raises ValueError if a head over fixed classes has others.
        """
        if isinstance(self.model, VideoClassifier):
            self._check_classes(classes)
            logits = self.model.head(features.pooled).float()
            order = [self.classes.index(name) for name in classes]
            return logits.softmax(dim=-1)[:, order]
        logits = self.model.classify(features, classes).float()
        return self.model.head("recognition").align.probabilities(logits)

    def embed_video(self, features: VideoFeatures) -> Tensor:
        """Features [1, P]: in the text's space if there is one."""
        if isinstance(self.model, VideoClassifier):
            return features.pooled
        return self.model.embed_video(features)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Unit features [N, P]."""
        return self._with_text().embed_text(texts)

    def frame_scores(
        self, features: VideoFeatures, texts: Sequence[str], num_frames: int, task: str
    ) -> Tensor:
        """Probabilities [1, T, K]."""
        return self._with_text().frame_scores(features, texts, num_frames, task)

    @property
    def proposes(self) -> bool:
        """Whether localization has two stages: proposals, then their classes."""
        return self._with_text().proposes

    def proposed(
        self, frames: Tensor, classes: Sequence[str]
    ) -> list[tuple[int, int, NDArray[np.float64]]]:
        """Features of a film's frames [T, P] -> first, last + 1 and scores [K] of proposals."""
        return self._with_text().proposed(frames, classes)

    def embed_frames(self, features: VideoFeatures, num_frames: int) -> Tensor:
        """Unit features [1, T, P] in the text's space."""
        return self._with_text().embed_frames(features, num_frames)

    def mask_logits(
        self, features: VideoFeatures, texts: Sequence[str], num_frames: int, task: str
    ) -> Tensor:
        """Logits [1, T, K, h, w] of the encoder's patches; above 0 the text's mask is there."""
        return self._with_text().mask_logits(features, texts, num_frames, None, task)

    def check(self, task: str, classes: Sequence[str]) -> None:
        """Raises ValueError if it has no head for a task or for a set's classes."""
        if task not in self.tasks:
            raise ValueError(
                f"{self.name} has no head for {task}; it has heads for {', '.join(self.tasks)}."
            )
        if task == "recognition" and self.classes:
            self._check_classes(classes)

    def _check_classes(self, classes: Sequence[str]) -> None:
        if missing := sorted(set(classes) - set(self.classes)):
            raise ValueError(
                f"{self.name} has a head over {len(self.classes)} fixed classes, without"
                f" {missing[0]!r}; a head with a text side takes any."
            )

    def _with_text(self) -> VideoText:
        assert isinstance(self.model, VideoText), "checked before the first question"
        return self.model

    def describe(self) -> dict[str, Any]:
        """Describes everything about the encoder that its answers depend on."""
        weights = next(self.model.parameters())
        return {
            "name": self.name,
            "kind": "encoder",
            "sha256": weights_hash(self.model),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "dtype": str(weights.dtype).removeprefix("torch."),
            "attention": None,
            "clip_frames": self.num_frames,
        }


def load_encoder(folder: Path, device: torch.device | None = None) -> LoadedEncoder:
    """Loads a trained encoder from its folder or the run's. Raises ValueError in one sentence."""
    place = next((folder / name for name in FOLDERS if (folder / name).is_dir()), folder)
    path = place / "config.json"
    if not path.is_file():
        raise ValueError(
            f"{folder} is no trained encoder: there is no {path}; python -m training.encoders"
            " writes one."
        )
    about = read_json(path)
    name = folder.resolve().name
    if isinstance(about, dict) and "text" in about:
        found = load_encoder_with_heads(place)
        model: VideoText | VideoClassifier = found.model
        config, num_frames, tasks = found.config, found.num_frames, found.tasks
        classes: tuple[str, ...] = ()
    else:
        model, config, names = load_classifier(place)
        num_frames = int(about.get("num_frames") or 16)
        tasks, classes = ("recognition",), tuple(names)
    model = model.to(device or torch.device("cpu")).eval()
    return LoadedEncoder(model, config, num_frames, tasks, classes, name)
