"""PVC's claim on a small scale: `python -m training.claim [run | report]`."""

import argparse
import json
import sys
from pathlib import Path

from vlm.ending import end, sentence

RECIPE = "training/recipes/claim-small.yaml"
ABOUT = """Does looking again at an image help? Trains four tiny models with the same data and
steps: an uncompressed one, one with four equal looks, one whose looks attend to earlier looks
(progressive encoding), and PVC, whose compressor adapts to time as well. Each answers questions
about pages of digits, short and long videos, and about pages with one to four looks."""
EXAMPLES = f"""examples:
  python -m training.claim                                   all runs, the table and the plot
  python -m training.claim run --seeds 0 --set steps=100 --set output=runs/quick
  python -m training.claim run training/recipes/claim-large.yaml --seeds 0 1 2 3 4   on a GPU
  python -m training.claim report docs/claim.json --plot claim.png   the committed results

Finished runs are not repeated: a stopped command continues with the next model. The models are
saved as ordinary model folders ({RECIPE}: runs/claim-small/pvc-0/model ...)."""


def main() -> None:
    """Parses the arguments and runs the command; a user's error ends in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m training.claim",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="train, evaluate and report (default)")
    run.add_argument("recipe", nargs="?", default=RECIPE, help=f"default: {RECIPE}")
    run.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="default: 0 1 2"
    )
    run.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="models trained in parallel; default: one per core, one on a GPU",
    )
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    report = commands.add_parser("report", help="print the table and draw the plot")
    report.add_argument("results", nargs="?", type=Path, default=Path("runs/claim-small"))
    report.add_argument("--plot", type=Path, help="default: claim.png next to the results")
    arguments = parser.parse_args(sys.argv[1:] or ["run"])
    try:
        if arguments.command == "run":
            run_all(arguments)
        else:
            print_report(arguments.results, arguments.plot)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {sentence(error)}")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: stopped; the same command continues with the remaining models")


def run_all(arguments: argparse.Namespace) -> None:
    """Trains every model with every seed, and prints the report."""
    import torch

    from training.claim.parallel import run_in_parallel
    from training.claim.variants import SCALES, VARIANTS
    from training.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    if recipe.model not in SCALES:
        raise ValueError(f"`model` must be one of {', '.join(SCALES)} here, not {recipe.model!r}")
    jobs = arguments.jobs
    if jobs is None:
        jobs = 1 if torch.cuda.is_available() else torch.get_num_threads()
    if jobs < 1:
        raise ValueError(f"--jobs must be at least 1, not {jobs}")
    runs = [(name, seed) for seed in arguments.seeds for name in VARIANTS]
    results = run_in_parallel(runs, recipe, jobs)
    file = Path(recipe.output) / "results.json"
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print_report(file, None)


def print_report(results: Path, picture: Path | None) -> None:
    """Prints the table and draws the plot."""
    from training.claim.report import plot, read_scores, table

    found = read_scores(results)
    print("\n".join(table(found)))
    folder = results if results.is_dir() else results.parent
    picture = picture or folder / "claim.png"
    plot(found, picture)
    print(f"\nThe plot is {picture}.")


if __name__ == "__main__":
    end(main)
