"""Folders of labeled clips: FOLDER/class/clip.mp4. The name of the subfolder is the label.

Pictures are clips of one frame. A hash of a file's name decides whether it is held out, so adding
a file never moves another one between the two sides.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vlm.encoders.config import TowerConfig
from vlm.heads.classification import clip_pixels, clip_times
from vlm.media.decode import read_image, read_video

VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".m4v", ".mpg", ".mpeg"})
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True)
class LabeledClip:
    """A file and the index of its class."""

    path: Path
    label: int


def find_clips(folder: Path) -> tuple[list[LabeledClip], list[str]]:
    """Returns all clips, sorted by class and name, and the class names.

    Raises ValueError if there are fewer than two classes.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; clips are expected as {folder}/CLASS/CLIP.mp4")
    known = VIDEOS | PICTURES
    files = {
        kind.name: sorted(path for path in kind.rglob("*") if path.suffix.lower() in known)
        for kind in sorted(folder.iterdir())
        if kind.is_dir() and not kind.name.startswith(".")
    }
    classes = [name for name, paths in files.items() if paths]
    if len(classes) < 2:
        raise ValueError(
            f"{folder} needs clips of at least two classes, as {folder}/CLASS/CLIP.mp4; "
            f"found {len(classes)} ({', '.join(classes) or 'none'})"
        )
    clips = [LabeledClip(path, classes.index(name)) for name in classes for path in files[name]]
    return clips, classes


def split_held_out(
    clips: Sequence[LabeledClip], held_out: float, folder: Path
) -> tuple[list[LabeledClip], list[LabeledClip]]:
    """Splits clips into training clips and held-out clips."""

    def is_held(clip: LabeledClip) -> bool:
        name = clip.path.relative_to(folder).as_posix().encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:4], "big") < held_out * 2**32

    held = [is_held(clip) for clip in clips]
    train = [clip for clip, out in zip(clips, held, strict=True) if not out]
    return train, [clip for clip, out in zip(clips, held, strict=True) if out]


def epoch_order(clips: Sequence[LabeledClip], num_samples: int, seed: int) -> list[LabeledClip]:
    """Returns the clips of a run in order, reshuffled for every epoch."""
    order: list[LabeledClip] = []
    while len(order) < num_samples:
        rng = random.Random(f"{seed} {len(order)}")
        order += rng.sample(list(clips), len(clips))
    return order[:num_samples]


class ClipDataset(Dataset[dict[str, Tensor]]):
    """Clips as encoder inputs: clip [T, 3, S, S], times [T], label []."""

    def __init__(self, clips: Sequence[LabeledClip], config: TowerConfig, num_frames: int) -> None:
        self.clips, self.config, self.num_frames = clips, config, num_frames

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        clip = self.clips[index]
        frames, seconds = self._read(clip.path)
        return {
            "clip": clip_pixels(frames, self.config),
            "times": clip_times(seconds, self.config),
            "label": torch.tensor(clip.label),
        }

    def _read(self, path: Path) -> tuple[np.ndarray, list[float]]:
        """Reads `num_frames` frames; repeats those of a shorter clip or a picture."""
        if path.suffix.lower() in PICTURES:
            frames, seconds = read_image(path, isolated=False).pixels[None], [0.0]
        else:
            video = read_video(path, num_frames=self.num_frames, isolated=False)
            frames, seconds = video.frames, list(video.times)
        indices = np.linspace(0, len(frames) - 1, self.num_frames).round().astype(int)
        return frames[indices], [seconds[index] for index in indices]
