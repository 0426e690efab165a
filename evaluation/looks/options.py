"""The options of `python -m evaluation looks`, apart from what it does, so that --help is quick."""

import argparse
from pathlib import Path
from typing import Any

ABOUT = """PVC's signature experiment: does looking again help? The same questions about pictures of
text and small detail with one look, two, three and four at each picture; the same questions about
videos with ever more frames. A run that was stopped goes on where it was."""


def add_looks(commands: Any) -> None:
    """The command's options, below the parser of `python -m evaluation`."""
    parser = commands.add_parser(
        "looks",
        help="accuracy against the number of looks and of frames, as a table and a plot",
        description=ABOUT,
        epilog="examples:\n  python -m evaluation looks --limit 5\n"
        "  python -m evaluation looks --model pvc=runs/a/model --beside plain=runs/b/model",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model",
        default="embedded",
        metavar="[NAME=]DIR",
        help="a folder or a repository (default: embedded), and what to call it",
    )
    parser.add_argument(
        "--beside",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="more models, to compare with, say one trained without progressive encoding",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="a folder with records.jsonl (default: what python -m data.embedded made)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/looks"), help="default: runs/looks")
    for name, numbers, words in (
        ("--looks", [1, 2, 3, 4], "looks at each picture; no number leaves the pictures out"),
        ("--frames", [1, 2, 4, 8, 16], "frames of each video; no number leaves the videos out"),
    ):
        parser.add_argument(name, type=int, nargs="*", default=numbers, metavar="N", help=words)
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only so many questions of each task"
    )
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"))
