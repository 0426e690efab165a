"""The command line of both stages."""

import argparse
import sys

EXAMPLES = """\
examples:
  python -m training.{stage} {recipe} --set steps=100
  python -m training.{stage} mine.yaml --set learning_rate=1e-5 --set lora.rank=16
  python -m training.{stage} mine.yaml --dry-run --devices 16
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
        "--fresh",
        action="store_true",
        help="start anew although there are checkpoints, which the first one of this run replaces",
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="go on from a checkpoint although the recipe or the data has changed since",
    )
    add_dry_run(parser)
    arguments = parser.parse_args()
    try:
        code = run(arguments)
    except ModuleNotFoundError as error:
        code = 1
        print(f"{parser.prog}: {missing(error)}", file=sys.stderr)
    except (ValueError, OSError) as error:
        code = 1
        print(f"{parser.prog}: {error}", file=sys.stderr)
    sys.exit(code)


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """The options of a run that is only computed (training/dry_run/report.py)."""
    dry = parser.add_argument_group("what a run would take, without running it")
    dry.add_argument(
        "--dry-run",
        action="store_true",
        help="print parameters, shapes, tokens, operations and memory; needs no data, no weights",
    )
    dry.add_argument("--devices", type=int, default=8, metavar="N", help="default: 8")
    dry.add_argument(
        "--sharding",
        choices=("none", "optimizer", "gradients", "full"),
        default="full",
        help="what devices share: nothing (DDP), as ZeRO 1 and 2, all (FSDP, ZeRO 3; default)",
    )
    dry.add_argument("--device-memory", type=float, default=80, metavar="GIB", help="default: 80")
    dry.add_argument("--text-tokens", type=int, default=192, metavar="N", help="of a sample")
    dry.add_argument("--answer-tokens", type=int, default=64, metavar="N", help="of these, learnt")


def missing(error: ModuleNotFoundError) -> str:
    """Which package is not there, and how it comes."""
    return (
        f"{error.name} is not installed; what training needs comes with: pip install -c"
        ' constraints.txt -e ".[train,embedded]" (`make test` has done it already)'
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit code."""
    from training.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    if arguments.dry_run:
        from training.dry_run.report import Machine, dry_run

        machine = Machine(arguments.devices, arguments.sharding, arguments.device_memory)
        lines = dry_run(recipe, machine, arguments.text_tokens, arguments.answer_tokens)
        print("\n".join(lines))
        return 0
    # Imported when the recipe is read: torch takes seconds.
    from training.loop.signals import StoppedError
    from training.run import train

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        print("Saved and stopped. The same command goes on from here.", file=sys.stderr)
        return stopped.code
    return 0
