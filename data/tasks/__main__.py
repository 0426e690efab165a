"""Makes toy sets of an encoder's tasks, in the layouts of public data sets.

    python -m data.tasks OUT [SET ...] [--clips 200] [--seed 0]

Writes OUT/kinetics, OUT/thumos, ...: films of moving shapes, whose truth is exact.
"""

import argparse
import sys
from pathlib import Path

from data.tasks.toy.sets import TOY_SETS
from data.tasks.toy.split import EVERY
from vlm.ending import end
from vlm.unknown_name import did_you_mean

LEAST = 4 * EVERY  # so that each of four classes is in both splits


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.tasks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help=f"of {', '.join(TOY_SETS)} (default: all)"
    )
    parser.add_argument("--clips", type=int, default=200, help="films per set (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.sets) - TOY_SETS.keys()):
        near = did_you_mean(unknown[0], TOY_SETS)
        sys.exit(f"{parser.prog}: no toy set {unknown[0]!r}; there are {', '.join(TOY_SETS)}{near}")
    if arguments.clips < LEAST:
        sys.exit(f"{parser.prog}: --clips must be at least {LEAST}")
    try:
        for name in arguments.sets or TOY_SETS:
            TOY_SETS[name](arguments.out / name, arguments.clips, arguments.seed)
            print(arguments.out / name)
    except OSError as error:
        sys.exit(f"{parser.prog}: {arguments.out} cannot be written ({error.strerror})")


if __name__ == "__main__":
    end(main)
