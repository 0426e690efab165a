"""A tiny encoder with fresh weights and a head for each task, in a folder as training writes it."""

from pathlib import Path

import torch

from vlm.encoders import build_tower
from vlm.encoders.find import find_preset
from vlm.heads.alignment import Loss
from vlm.heads.classification import VideoClassifier, save_classifier
from vlm.heads.folder import save_video_text, tokens_of
from vlm.heads.text.side import TextSide
from vlm.heads.text.tower import TEXT_PRESETS
from vlm.heads.video_text import TASKS, VideoText

NUM_FRAMES = 4


def write_encoder(
    folder: Path, seed: int = 0, tasks: tuple[str, ...] = TASKS, loss: Loss = "sigmoid"
) -> Path:
    """Writes FOLDER/tasks; returns FOLDER."""
    torch.manual_seed(seed)
    config = find_preset("streamformer-test")[1].tower
    text = TEXT_PRESETS["siglip-test"]
    side = TextSide(text, tokens_of(text, None))
    model = VideoText(build_tower(config), side, tasks, loss, background=True)
    save_video_text(model, config, NUM_FRAMES, folder / "tasks")
    return folder


def write_classifier(folder: Path, classes: list[str]) -> Path:
    """Writes FOLDER/classifier, a head over fixed classes; returns FOLDER."""
    torch.manual_seed(0)
    config = find_preset("streamformer-test")[1].tower
    model = VideoClassifier(build_tower(config), len(classes))
    save_classifier(model, config, classes, folder / "classifier", NUM_FRAMES)
    return folder
