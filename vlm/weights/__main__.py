"""`python -m vlm.weights`: makes, checks and packs the weights of the embedded model."""

import argparse
import sys
from pathlib import Path

from vlm.weights import base, cache, embedded
from vlm.weights.files import WeightsError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vlm.weights", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("base", help="convert the two base models from their packages, once")
    commands.add_parser("embedded", help="assemble the embedded model, once")
    commands.add_parser("check", help="compare every byte of both with what was written")
    pack = commands.add_parser("pack", help="take our own weights out of a training checkpoint")
    pack.add_argument("trained", type=Path, help="the folder of the checkpoint")
    pack.add_argument("out", type=Path, help="the folder to write, such as vlm/weights/embedded")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "base":
            print(base.smollm2())
            print(base.efficientnet_lite2())
        elif chosen.command == "embedded":
            print(embedded.folder())
        elif chosen.command == "check":
            for made in (base.smollm2(), base.efficientnet_lite2().parent, embedded.folder()):
                cache.check(made)
                print(f"{made}: every file is as it was written")
        elif chosen.command == "pack":
            print(embedded.pack(chosen.trained, chosen.out))
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
