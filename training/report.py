"""What a model trained on made worlds can and cannot do: `python -m training.report`.

Three commands one after the other, each of which can be run alone: held-out worlds and photographs
(`python -m evaluation run worlds photos`), more looks and more frames (`python -m evaluation
looks`), and the language model's own chat (`python -m training.chat_check`).
"""

import argparse
import subprocess
import sys
from pathlib import Path

from data.embedded import DEFAULT
from data.synthetic.worlds import HELD_TASKS


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m training.report --model runs/embedded-instruct/model --limit 8",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--limit", type=int, default=24, metavar="N", help="questions of each task (default: 24)"
    )
    out = Path("runs/report")
    parser.add_argument("--out", type=Path, default=out, help=f"logs and plots (default: {out})")
    arguments = parser.parse_args()
    if not (DEFAULT / "held" / "records.jsonl").is_file():
        sys.exit(f"{parser.prog}: the questions are missing; `python -m data.embedded` makes them")
    model = f"--model {arguments.model}"
    # The questions of worlds take turns, so the first ones are as many of each task.
    everything = arguments.limit * len(HELD_TASKS)
    commands = (
        f"evaluation run worlds photos {model} --limit {everything} --out {arguments.out / 'all'}",
        f"evaluation looks {model} --limit {arguments.limit} --out {arguments.out / 'looks'}",
        f"training.chat_check {model}",
    )
    codes = [subprocess.run([sys.executable, "-m", *c.split()]).returncode for c in commands]
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
