"""Folders of labeled clips: FOLDER/class/clip.mp4. The name of the subfolder is the label.

Pictures are clips of one frame. A hash of a file's name decides whether it is held out, so adding
a file never moves another one between the two sides.
"""

import hashlib
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".m4v", ".mpg", ".mpeg"})
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True)
class LabeledClip:
    """A file and the index of its class."""

    path: Path
    label: int
    where: str = ""  # its line in a list


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
    """Splits clips into training clips and held-out clips; their names are relative to `folder`."""

    def is_held(clip: LabeledClip) -> bool:
        name = Path(os.path.relpath(clip.path, folder)).as_posix().encode()
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
