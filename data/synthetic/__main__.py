"""Makes worlds with known answers: `python -m data.synthetic OUT --stage pretrain --num 8000`."""

import argparse
import sys
from pathlib import Path

from data.synthetic.build import HELD_PER_TASK, STAGES, BuildJob, build
from data.synthetic.drawing.assets import load_assets
from data.synthetic.worlds import HELD_TASKS
from vlm.ending import end


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.synthetic",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder for records.jsonl and media/")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument(
        "--num", type=int, help=f"number of records (default for held: {HELD_PER_TASK} per task)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--assets", type=Path, help="folder made by data.prepare.assets (default: in the cache)"
    )
    arguments = parser.parse_args()
    if arguments.num is None and arguments.stage != "held":
        parser.error("this stage needs --num.")
    num = arguments.num or HELD_PER_TASK * len(HELD_TASKS)
    if not load_assets(arguments.assets).objects:
        print(
            "No objects found (python -m data.prepare.assets fetches them): drawing only shapes.",
            file=sys.stderr,
        )
    try:
        build(
            BuildJob(arguments.out, arguments.stage, arguments.seed, arguments.assets),
            num,
            arguments.workers,
        )
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    end(main)
