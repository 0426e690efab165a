"""What a model trained on made worlds can and cannot do: `python -m evaluation.embedded.report`.

Runs five commands one after the other, each of which can be run alone: held-out worlds and
photographs (`python -m evaluation run worlds photos`), more looks and more frames (`python -m
evaluation looks`), the second question of a conversation (`python -m
evaluation.embedded.conversation_check`), the names of the classifier's classes (`python -m
evaluation.embedded.name_check`), and the language model's own chat (`python -m
evaluation.embedded.chat_check`).
"""

import argparse
import subprocess
import sys
from pathlib import Path

from data.embedded.folder import DEFAULT_FOLDER
from data.synthetic.worlds import HELD_TASKS


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.embedded.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m evaluation.embedded.report --model runs/embedded-names/model"
        " --limit 8",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--limit", type=int, default=24, metavar="N", help="questions of each task (default: 24)"
    )
    parser.add_argument(
        "--out", type=Path, default="runs/report", help="logs and plots (default: runs/report)"
    )
    arguments = parser.parse_args()
    out = arguments.out
    if not (DEFAULT_FOLDER / "held" / "records.jsonl").is_file():
        sys.exit(
            f"{parser.prog}: the questions are missing; run `python -m data.embedded` to make them"
        )
    # Tasks alternate, so the first questions hold equally many of each.
    num_questions = arguments.limit * len(HELD_TASKS)
    commands: tuple[tuple[object, ...], ...] = (
        ("evaluation", "run", "worlds", "photos", "--limit", num_questions, "--out", out / "all"),
        ("evaluation", "looks", "--limit", arguments.limit, "--out", out / "looks"),
        ("evaluation.embedded.conversation_check", "--limit", max(1, arguments.limit // 4)),
        ("evaluation.embedded.name_check",),
        ("evaluation.embedded.chat_check",),
    )
    codes = []
    for command in commands:
        words = [sys.executable, "-m", *map(str, command), "--model", arguments.model]
        codes.append(subprocess.run(words).returncode)
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
