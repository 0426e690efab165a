"""PVC's claim reproduced small: `python -m training.claim [run | report]`."""

import argparse
import json
import sys
from pathlib import Path

RECIPE = "training/recipes/claim-small.yaml"
ABOUT = """Does looking again pay? Four tiny models, the same data and steps: an uncompressed one,
one that sees four times the same, one whose looks know of each other (progressive encoding), and
PVC, whose compressor adapts to time as well. Each is asked about pages of digits, short and long
videos, and about pages with one to four looks."""
EXAMPLES = f"""examples:
  python -m training.claim                                   all runs, then the table and the plot
  python -m training.claim run --seeds 0 --set steps=100 --set output=runs/quick
  python -m training.claim run training/recipes/claim-large.yaml --seeds 0 1 2 3 4   on a GPU
  python -m training.claim report docs/claim.json --plot claim.png   the committed results

What is done is not done again: a stopped command goes on with the next model. The folders of the
models ({RECIPE}: runs/claim-small/pvc-0/model ...) are ordinary ones."""


def main() -> None:
    """Reads the arguments; what a user can cause ends in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m training.claim",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="train, ask, and report (the default)")
    run.add_argument("recipe", nargs="?", default=RECIPE, help=f"default: {RECIPE}")
    run.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="default: 0 1 2"
    )
    run.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="models that train at a time; default: one for each core, one on a GPU",
    )
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    report = commands.add_parser("report", help="print the table and write the plot again")
    report.add_argument("results", nargs="?", type=Path, default=Path("runs/claim-small"))
    report.add_argument("--plot", type=Path, help="default: claim.png beside the results")
    arguments = parser.parse_args(sys.argv[1:] or ["run"])
    try:
        if arguments.command == "run":
            run_all(arguments)
        else:
            print_report(arguments.results, arguments.plot)
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{parser.prog}: stopped; the same command goes on with the models not yet done")


def run_all(arguments: argparse.Namespace) -> None:
    """Every model with every seed, and the report."""
    import torch

    from training.claim.parallel import run_in_parallel
    from training.claim.variants import SCALES, VARIANTS
    from training.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    if recipe.model not in SCALES:
        raise ValueError(f"`model` is one of {', '.join(SCALES)} here, not {recipe.model!r}")
    jobs = arguments.jobs
    if jobs is None:
        jobs = 1 if torch.cuda.is_available() else torch.get_num_threads()
    if jobs < 1:
        raise ValueError(f"--jobs is at least 1, not {jobs}")
    wanted = [(name, seed) for seed in arguments.seeds for name in VARIANTS]
    results = run_in_parallel(wanted, recipe, jobs)
    file = Path(recipe.output) / "results.json"
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print_report(file, None)


def print_report(results: Path, picture: Path | None) -> None:
    """Prints the table, draws the plot."""
    from training.claim.report import gathered, plot, table

    found = gathered(results)
    print("\n".join(table(found)))
    beside = results if results.is_dir() else results.parent
    picture = picture or beside / "claim.png"
    plot(found, picture)
    print(f"\nThe plot is {picture}.")


if __name__ == "__main__":
    main()
