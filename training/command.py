"""The command line of both stages."""

import argparse
import sys

EXAMPLES = """\
examples:
  python -m training.{stage} {recipe} --set steps=100
  python -m training.{stage} mine.yaml --set learning_rate=1e-5 --set lora.rank=16
  accelerate launch --config_file training/accelerate/multi-gpu.yaml -m training.{stage} mine.yaml

The same command started again goes on from the last checkpoint. docs/training.md tells the whole
way with your own data; training/recipe.py explains every key of a recipe.

exit codes: 0 done, 1 something is wrong (one sentence says what), 143 and 130 stopped by SIGTERM
or Ctrl-C after saving."""


def main(stage: str, default_recipe: str) -> None:
    """Read the arguments, run the stage, turn what a user can cause into one sentence."""
    parser = argparse.ArgumentParser(
        prog=f"python -m training.{stage}",
        description=f"Train a model's {stage} stage as a recipe says.",
        epilog=EXAMPLES.format(stage=stage, recipe=default_recipe),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", nargs="?", default=default_recipe, help="a YAML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of it"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start anew although there are checkpoints"
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="go on from a checkpoint although the recipe or the data has changed since",
    )
    arguments = parser.parse_args()
    try:
        code = run(arguments)
    except (ValueError, OSError) as error:
        code = 1
        print(f"{parser.prog}: {error}", file=sys.stderr)
    sys.exit(code)


def run(arguments: argparse.Namespace) -> int:
    """The exit code."""
    from training.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    # Imported when the recipe is read: torch takes seconds.
    from training.run import Stopped, train

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except Stopped as stopped:
        print("Saved and stopped. The same command goes on from here.", file=sys.stderr)
        return stopped.code
    return 0
