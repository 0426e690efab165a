"""Train a vision encoder alone: classification of clips in folders, FOLDER/class/clip.mp4.

python -m training.encoders FOLDER --output runs/clips [--set KEY=VALUE ...]

The run is training/clip_classifier.py.
"""

import argparse
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.command import missing
from training.recipe import change, fitting, read_values, refuse_numbers


@dataclass(frozen=True)
class EncoderRecipe:
    """Every number of a run; `--set` changes them."""

    folder: str  # of labelled clips
    output: str
    model: str = "embedded-trained"  # whose tower goes on: the shipped one, or a saved folder's
    preset: str = ""  # instead: a fresh tower of these sizes (vlm/presets.py)
    num_frames: int = 8
    held_out: float = 0.1  # share of the clips
    freeze_backbone: bool = False
    dropout: float = 0.1  # in front of the last layer
    steps: int = 500
    batch_size: int = 8
    accumulation: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    warmup: float = 0.05
    max_grad_norm: float = 1.0
    save_every: int = 100
    log_every: int = 10
    keep: int = 2
    workers: int = 1
    bf16: bool | str = "auto"
    report_to: tuple[str, ...] = ("tensorboard",)
    max_skipped: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_numbers(self)
        if not 0 <= self.held_out < 1:
            raise ValueError(f"`held_out` is a share from 0 to below 1, not {self.held_out}")


def main() -> None:
    names = ", ".join(f.name for f in fields(EncoderRecipe) if f.name not in ("folder", "output"))
    parser = argparse.ArgumentParser(
        prog="python -m training.encoders",
        description="Train a vision encoder alone, to tell apart the classes of clips in folders: "
        "FOLDER/class/clip.mp4 (pictures count as clips of one frame).",
        epilog="example: python -m training.encoders clips --output runs/clips --set steps=200.  "
        f"Keys of --set: {names} (explained in training/encoders.py).",
    )
    parser.add_argument("folder", help="FOLDER/class/clip.mp4, or a YAML file with these keys")
    parser.add_argument("--output", help="the folder to write")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--fresh", action="store_true", help="start anew although there are checkpoints"
    )
    parser.add_argument(
        "--allow-changes", action="store_true", help="go on with other values or data"
    )
    arguments = parser.parse_args()
    try:
        code = run(arguments)
    except ModuleNotFoundError as error:
        sys.exit(f"{parser.prog}: {missing(error)}")
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.exit(code)


def run(arguments: argparse.Namespace) -> int:
    """The exit code."""
    recipe = read_arguments(arguments)
    # Imported when the recipe is read: torch takes seconds.
    from training.clip_classifier import train
    from training.stopping import StoppedError

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        return stopped.code
    return 0


def read_arguments(arguments: argparse.Namespace) -> EncoderRecipe:
    """A folder or a YAML file, and what `--set` changes."""
    values: dict[str, Any] = {"folder": arguments.folder}
    if Path(arguments.folder).is_file():
        values = read_values(arguments.folder)
    if arguments.output:
        values["output"] = arguments.output
    change(values, arguments.set)
    known = {f.name: f.type for f in fields(EncoderRecipe)}
    for name in values:
        if name not in known:
            raise ValueError(f"there is no `{name}`; there are {', '.join(known)}")
    if "output" not in values:
        raise ValueError("--output is missing: the folder to write")
    return EncoderRecipe(**{n: fitting(n, value, known[n]) for n, value in values.items()})


if __name__ == "__main__":
    main()
