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
    parser.add_argument(
        "--out", type=Path, default=Path("runs/report"), help="logs and plots (default: runs/report)"
    )
    arguments = parser.parse_args()
    if not (DEFAULT / "held" / "records.jsonl").is_file():
        sys.exit(f"{parser.prog}: the questions are missing; `python -m data.embedded` makes them")
    model = ["--model", arguments.model]
    # The questions take turns, so the first ones are as many of each task.
    all_tasks = ["--limit", str(arguments.limit * len(HELD_TASKS))]
    each_task = ["--limit", str(arguments.limit)]
    commands = (
        ["evaluation", "run", "worlds", "photos", *model, *all_tasks, "--out", arguments.out / "all"],
        ["evaluation", "looks", *model, *each_task, "--out", arguments.out / "looks"],
        ["training.chat_check", *model],
    )
    failed = [subprocess.run([sys.executable, "-m", *command]).returncode for command in commands]
    sys.exit(max(failed))


if __name__ == "__main__":
    main()
