"""What the embedded model can and cannot do: `python -m evaluation.embedded.report`.

Runs these commands one after the other, each of which can be run alone: held-out worlds and
photographs (`python -m evaluation run worlds photos`), questions about a folder of your own media
(`python -m evaluation run visitors`, with --visitors), more looks and more frames (`python -m
evaluation looks`), the second question of a conversation (`python -m
evaluation.embedded.conversation_check`), the names of the classifier's classes (`python -m
evaluation.embedded.name_check`), and the language model's own chat (`python -m
evaluation.embedded.chat_check`). Then prints the table of aims, and writes it as aims.json.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data.embedded.folder import DEFAULT_FOLDER
from data.synthetic.worlds import HELD_TASKS
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.own.visitors import Visitors
from evaluation.embedded.aims import aims_of, aims_table
from evaluation.json_files import write_json
from vlm.ending import end, sentence

PROG = "python -m evaluation.embedded.report"
NO_VISITORS = (
    "The aims for visitors' questions are left out: give a folder of media with questions.json as"
    " --visitors FOLDER (docs/evaluation.md)."
)
Command = tuple[object, ...]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"example: {PROG} --model runs/embedded-instruct-last/model --limit 8",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--limit", type=int, default=24, metavar="N", help="questions of each task (default: 24)"
    )
    parser.add_argument(
        "--visitors", type=Path, metavar="FOLDER", help="questions about media of your own"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/report"),
        help="logs, plots and aims.json (default: runs/report)",
    )
    return parser


def commands(args: argparse.Namespace) -> Iterator[Command]:
    """Yields the commands, without --model."""
    out = args.out
    # Tasks alternate, so the first questions hold equally many of each.
    num_questions = args.limit * len(HELD_TASKS)
    yield "evaluation", "run", "worlds", "photos", "--limit", num_questions, "--out", out / "all"
    if args.visitors is not None:
        yield "evaluation", "run", "visitors", "--data", args.visitors, "--out", out / "visitors"
    yield "evaluation", "looks", "--limit", args.limit, "--out", out / "looks"
    yield "evaluation.embedded.conversation_check", "--limit", max(1, args.limit // 4)
    yield ("evaluation.embedded.name_check",)
    yield ("evaluation.embedded.chat_check",)


def run_all(
    parts: Sequence[Command],
    model: str,
    run: Callable[[Sequence[str]], int] = lambda words: subprocess.run(words).returncode,
) -> int:
    """Runs all parts. Returns 0, or the worst of their exit codes; 128 + n after signal n."""
    worst = 0
    for part in parts:
        code = run([sys.executable, "-m", *map(str, part), "--model", model])
        if code < 0:
            sys.stderr.write(f"{PROG}: python -m {part[0]} was ended by signal {-code}.\n")
            code = 128 - code
        worst = max(worst, code)
    return worst


def print_aims(out: Path, with_visitors: bool) -> None:
    """Prints the table of aims from the logs in `out`, and writes aims.json."""
    folders = [out / "visitors" / "visitors"] * with_visitors
    aims, remarks = aims_of([*folders, out / "all" / "photos", out / "all" / "worlds"])
    if not with_visitors:
        remarks.append(NO_VISITORS)
    write_json(out / "aims.json", {"aims": [aim.as_json() for aim in aims], "remarks": remarks})
    print("\n".join(["", *aims_table(aims), *([""] if remarks else []), *remarks, ""]))
    print(f"Aims: {out / 'aims.json'}")


def main() -> None:
    args = parser().parse_args()
    if args.limit < 1:
        sys.exit(f"{PROG}: --limit is {args.limit}; it must be 1 or more.")
    if not (DEFAULT_FOLDER / "held" / "records.jsonl").is_file():
        sys.exit(f"{PROG}: the questions are missing; run `python -m data.embedded` to make them")
    if args.visitors is not None:
        visitors = Visitors()
        try:
            visitors.check_files(visitors.data_folder(args.visitors), Options())
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            sys.exit(f"{PROG}: {sentence(error)}")
    code = run_all(list(commands(args)), args.model)
    print_aims(args.out, args.visitors is not None)
    sys.exit(code)


if __name__ == "__main__":
    end(main)
