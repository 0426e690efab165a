"""Trains a vision encoder alone, to classify clips in folders, FOLDER/class/clip.mp4.

python -m training.encoders FOLDER --output runs/clips [--set KEY=VALUE ...]

The run is training/classifier/run.py.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from training.classifier.recipe import EncoderRecipe
from training.command import missing_package
from training.recipe import apply_overrides, read_yaml, refuse_old_keys, refuse_two_lengths
from vlm.config_errors import checked


def main() -> None:
    names = ", ".join(f.name for f in fields(EncoderRecipe) if f.name not in ("folder", "output"))
    parser = argparse.ArgumentParser(
        prog="python -m training.encoders",
        description="Train a vision encoder alone, to classify clips in folders: "
        "FOLDER/class/clip.mp4 (an image is a clip of one frame).",
        epilog="example: python -m training.encoders clips --output runs/clips --set steps=200.  "
        f"Keys of --set: {names} (explained in training/classifier/recipe.py).",
    )
    parser.add_argument("folder", help="class folders of clips, or a YAML file with these keys")
    parser.add_argument("--output", help="the folder to write")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a value"
    )
    parser.add_argument("--fresh", action="store_true", help="ignore existing checkpoints")
    parser.add_argument(
        "--allow-changes", action="store_true", help="resume even if values or data have changed"
    )
    arguments = parser.parse_args()
    try:
        code = run(arguments)
    except ModuleNotFoundError as error:
        sys.exit(f"{parser.prog}: {missing_package(error)}")
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.exit(code)


def run(arguments: argparse.Namespace) -> int:
    """Trains the encoder; returns the exit code."""
    recipe = read_arguments(arguments)
    # Imported only after the recipe is read: torch takes seconds.
    from training.classifier.run import train
    from training.loop.signals import StoppedError

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        return stopped.code
    return 0


def read_arguments(arguments: argparse.Namespace) -> EncoderRecipe:
    """The recipe from a folder or a YAML file, with the overrides of `--set`."""
    values: dict[str, Any] = {"folder": arguments.folder}
    if Path(arguments.folder).is_file():
        values = read_yaml(arguments.folder)
    if arguments.output:
        values["output"] = arguments.output
    apply_overrides(values, arguments.set)
    refuse_old_keys(values)
    refuse_two_lengths(values, arguments.folder)
    if "output" not in values:
        raise ValueError("--output is missing: the folder to write")
    return checked(EncoderRecipe, values)


if __name__ == "__main__":
    main()
