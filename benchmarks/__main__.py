"""Measures speed and memory, prints the tables and writes benchmarks/results.md."""

import argparse
import importlib
import sys
from pathlib import Path

import torch
import transformers

from vlm.fit.hardware import cpu_name

NAMES = ("decode", "reading", "looks", "tower", "chat", "loading", "memory", "training")
RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small inputs and few rounds; does not write results"
    )
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    lines = [
        "# Speed and memory",
        "",
        f"Written by `python -m benchmarks` on {machine()}.",
        "Medians; compared variants were measured in alternation, in one run.",
        "",
    ]
    for name in args.names or NAMES:
        part = importlib.import_module(f"benchmarks.{name}").run(args.quick)
        sys.stdout.write("\n".join(part) + "\n")
        sys.stdout.flush()
        lines += [line.rstrip() for line in part]
    if not args.quick and not args.names:
        RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def machine() -> str:
    """The CPU, its threads, and the versions of torch and transformers."""
    return (
        f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__},"
        f" transformers {transformers.__version__}"
    )


if __name__ == "__main__":
    main()
