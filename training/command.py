"""The command line shared by both stages."""

import argparse
import sys

from vlm.ending import sentence

EXAMPLES = """\
examples:
  python -m training.{stage} {recipe} --set steps=100
  python -m training.{stage} mine.yaml --set learning_rate=1e-5 --set lora.rank=16
  python -m training.{stage} mine.yaml --dry-run --devices 16
  accelerate launch --config_file training/accelerate/multi-gpu.yaml -m training.{stage} mine.yaml

The same command, run again, resumes from the last checkpoint. docs/training.md is a guide to
training on your own data; training/recipe.py explains every key of a recipe.

exit codes: 0 done, 1 error (one sentence on standard error), 143 or 130 stopped by SIGTERM or
Ctrl-C after saving."""


def main(stage: str, default_recipe: str) -> None:
    """Parses the arguments and runs the stage; a user's error ends in one sentence."""
    parser = argparse.ArgumentParser(
        prog=f"python -m training.{stage}",
        description=f"Run the {stage} stage of a model's training from a recipe.",
        epilog=EXAMPLES.format(stage=stage, recipe=default_recipe),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recipe", nargs="?", default=default_recipe, help="a YAML file; default: %(default)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a value of the recipe",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="ignore existing checkpoints; the first one of this run replaces them",
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="resume even if the recipe or the data has changed since the checkpoint",
    )
    add_dry_run(parser)
    arguments = parser.parse_args()
    try:
        code = run(arguments)
    except ModuleNotFoundError as error:
        code = 1
        print(f"{parser.prog}: {missing_package(error)}", file=sys.stderr)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        code = 1
        print(f"{parser.prog}: {sentence(error)}", file=sys.stderr)
    sys.exit(code)


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a dry run (training/dry_run/report.py)."""
    dry = parser.add_argument_group("dry run: what a run needs, without running it")
    dry.add_argument(
        "--dry-run",
        action="store_true",
        help="print parameters, shapes, tokens, operations and memory; needs no data or weights",
    )
    dry.add_argument("--devices", type=int, default=8, metavar="N", help="default: 8")
    dry.add_argument(
        "--sharding",
        choices=("none", "optimizer", "gradients", "full"),
        default="full",
        help="what is sharded: nothing (DDP), optimizer states (ZeRO-1), gradients too "
        "(ZeRO-2), or everything (FSDP; default)",
    )
    dry.add_argument("--device-memory", type=float, default=80, metavar="GIB", help="default: 80")
    dry.add_argument("--text-tokens", type=int, default=192, metavar="N", help="per sample")
    dry.add_argument("--answer-tokens", type=int, default=64, metavar="N", help="of these, trained")


def missing_package(error: ModuleNotFoundError) -> str:
    """Returns a sentence that names the missing package and the command that installs it."""
    return (
        f"{error.name} is not installed; training needs: pip install -c constraints.txt"
        ' -e ".[train,embedded]" (`make test` does it)'
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs or dry-runs the stage; returns the exit code."""
    from training.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    if arguments.dry_run:
        from training.dry_run.report import Machine, dry_run

        machine = Machine(arguments.devices, arguments.sharding, arguments.device_memory)
        lines = dry_run(recipe, machine, arguments.text_tokens, arguments.answer_tokens)
        print("\n".join(lines))
        return 0
    # Imported only after the recipe is read: torch takes seconds.
    from training.loop.signals import StoppedError
    from training.run import train

    try:
        train(recipe, not arguments.fresh, arguments.allow_changes)
    except StoppedError as stopped:
        print("Saved and stopped. The same command resumes from here.", file=sys.stderr)
        return stopped.code
    return 0
