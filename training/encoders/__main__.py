"""Trains a vision encoder alone on labeled clips, from a recipe.

The run is training/encoders/run.py; every key of a recipe is in training/encoders/recipe.py.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from training.command import missing_package
from training.encoders.recipe import EncoderRecipe
from training.recipe import apply_overrides, read_yaml, refuse_old_keys, refuse_two_lengths
from vlm.config_errors import checked
from vlm.ending import end, sentence

ABOUT = """\
Train a vision encoder alone: any of vlm/encoders, or the tower of an assistant, on labeled clips
under a classification head, or with a text side on the data sets of one or several tasks
(`objective: tasks`; docs/tasks.md). What the encoder's paper freezes stays frozen (train: method);
`train: all` trains everything, `train: head` the head alone."""
EXAMPLES = """\
examples:
  python -m data.clips.motion runs/motion               # a made set: which way does it move?
  python -m training.encoders training/recipes/encoder-motion.yaml
  python -m training.encoders training/recipes/encoder-motion.yaml --set encoder=vtn-test --dry-run
  python -m training.encoders training/recipes/encoders/streamformer-tasks-tiny.yaml
  python -m training.encoders clips --output runs/clips --set encoder=timesformer --set steps=200

clips are class folders (clips/CLASS/CLIP.mp4; an image is a clip of one frame), or a list under
`data`:
  clips.jsonl   {{"video": "a/1.mp4", "label": "waving"}}, one a line
  clips.csv     a/1.mp4 waving, one a line; or Kinetics' own lists
  train.json    Something-Something's, with `classes: labels.json`

A recipe is a YAML file with these keys, and --set changes single ones; what they mean and their
defaults are in training/encoders/recipe.py:
  {keys}

The output has classifier/ (vlm.heads.classification.load_classifier) or, with `objective: tasks`,
tasks/ (vlm.heads.folder.load_encoder_with_heads; for `app find` and `evaluation run --encoder`),
trained/ (the encoder alone: `start_from` in an assistant's recipe), journal.jsonl and curves.png,
quarantine.jsonl (clips that could not be read) and checkpoints: the same command, run again,
resumes from the last one.

exit codes: 0 done, 1 error (one sentence on standard error), 143 or 130 stopped by SIGTERM or
Ctrl-C after saving."""


def main() -> None:
    arguments = parser().parse_args()
    try:
        code = run(arguments)
    except ModuleNotFoundError as error:
        sys.exit(f"{parser().prog}: {missing_package(error)}")
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser().prog}: {sentence(error)}")
    sys.exit(code)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m training.encoders",
        description=ABOUT,
        epilog=EXAMPLES.format(keys=_wrapped([f.name for f in fields(EncoderRecipe)])),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("recipe", help="a YAML file, or a folder of class folders of clips")
    made.add_argument("--output", help="the folder to write")
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a value"
    )
    made.add_argument("--fresh", action="store_true", help="ignore existing checkpoints")
    made.add_argument(
        "--allow-changes", action="store_true", help="resume even if values or data have changed"
    )
    made.add_argument(
        "--dry-run",
        action="store_true",
        help="print parameters, token grid, operations and memory; reads the lists, not the clips",
    )
    return made


def _wrapped(names: list[str]) -> str:
    """Returns the names in lines that fit a terminal."""
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 90:
            lines.append("")
        lines[-1] += f" {name}" if lines[-1] else name
    return "\n  ".join(lines)


def run(arguments: argparse.Namespace) -> int:
    """Trains the encoder; returns the exit code."""
    recipe = read_arguments(arguments)
    # Imported only after the recipe is read: torch takes seconds.
    if arguments.dry_run:
        from training.encoders.dry_run import dry_run

        print("\n".join(dry_run(recipe)))
        return 0
    from training.encoders.run import train
    from training.loop.signals import StoppedError

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        return stopped.code
    return 0


def read_arguments(arguments: argparse.Namespace) -> EncoderRecipe:
    """Returns the recipe from a folder or a YAML file, with the overrides of `--set`."""
    values: dict[str, Any] = {"folder": arguments.recipe}
    if Path(arguments.recipe).suffix in (".yaml", ".yml") or Path(arguments.recipe).is_file():
        values = read_yaml(arguments.recipe)
    if arguments.output:
        values["output"] = arguments.output
    apply_overrides(values, arguments.set)
    refuse_old_keys(values)
    refuse_two_lengths(values, arguments.recipe)
    if not values.get("output") and not arguments.dry_run:
        raise ValueError("--output is missing: the folder to write")
    return checked(EncoderRecipe, values)


if __name__ == "__main__":
    end(main)
