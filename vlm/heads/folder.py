"""Writes and reads the folder of a trained encoder with its heads and its text side."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower
from vlm.encoders.config import TowerConfig
from vlm.heads.text.side import TextSide
from vlm.heads.text.tokens import FOLDER, FileTokens, HashedWords, Tokens
from vlm.heads.text.tower import TextConfig
from vlm.heads.video_text import VideoText
from vlm.weights.io.files import WeightsError, read_safetensors, write_safetensors

PARTS = ("tower", "text", "heads")
RESULT, CLASSIFIER = "tasks", "classifier"  # inside the folder of a run


@dataclass(frozen=True)
class LoadedVideoText:
    """A trained encoder in evaluation mode, and how its clips are read."""

    model: VideoText
    config: TowerConfig
    num_frames: int  # of a clip in training

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it has a head for."""
        return tuple(self.model.heads)


def tokens_of(config: TextConfig, folder: Path | None) -> Tokens:
    """Returns the tokenizer of a text tower; ValueError if its files are needed and not given."""
    if config.tokenizer == "words":
        return HashedWords(config.vocab_size)
    if folder is None:
        raise ValueError(
            "this text tower has a tokenizer of its own: give `text_weights`, the folder of CLIP or"
            " SigLIP as transformers saves it"
        )
    return FileTokens(folder)


def save_video_text(model: VideoText, config: TowerConfig, num_frames: int, folder: Path) -> None:
    """Writes config.json, three files of tensors and the tokenizer's, if it has files."""
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {
        "tower": asdict(config),
        "text": asdict(model.text.config),
        "heads": model.options,
        "num_frames": num_frames,
    }
    (folder / "config.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for part in PARTS:
        tensors = {n: t.detach().cpu() for n, t in model.state_dict().items() if _part(n) == part}
        write_safetensors(tensors, folder / f"{part}.safetensors")
    model.text.tokens.save(folder)


def load_encoder_with_heads(folder: Path) -> LoadedVideoText:
    """Reads the folder of an encoder with heads, or that of the run that trained it.

    Raises WeightsError, one sentence, if it is not one or its weights do not fit.
    """
    if not (folder / "config.json").is_file():
        _check_result(folder)
        folder = folder / RESULT
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if "classes" in about:
            raise _without_text(folder)
        config = TowerConfig(**upgrade("tower", about["tower"]))
        text, heads = TextConfig(**about["text"]), dict(about["heads"])
        num_frames = int(about["num_frames"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{folder} is not the folder of an encoder with heads (`objective: tasks`): {error}"
        ) from error
    side = TextSide(text, tokens_of(text, folder / FOLDER))
    model = VideoText(build_tower(config), side, **heads)
    tensors: dict[str, Tensor] = {}
    for part in PARTS:
        tensors |= read_safetensors(folder / f"{part}.safetensors")
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if wrong := sorted(dict(wanted.items() ^ found.items())):
        raise WeightsError(f"{folder} has other weights than its config.json: {wrong[:5]}")
    model.load_state_dict(tensors)
    return LoadedVideoText(model.eval(), config, num_frames)


def _check_result(run: Path) -> None:
    """Raises WeightsError if a folder is not that of a run with heads by task."""
    if (run / RESULT / "config.json").is_file():
        return
    if (run / CLASSIFIER).is_dir():
        raise _without_text(run)
    missing = f"has no {RESULT}/config.json, which a run writes at its end"
    raise WeightsError(
        f"{run} {missing if run.exists() else 'does not exist'}; give the folder that python -m"
        " training.encoders wrote with `objective: tasks`"
    )


def _without_text(folder: Path) -> WeightsError:
    return WeightsError(
        f"{folder} has a head over fixed classes and no text side; one with a text side is trained"
        " with `objective: tasks`"
    )


def _part(name: str) -> str:
    first = name.partition(".")[0]
    return first if first in ("tower", "text") else "heads"
