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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="embedded", help="embedded (default) or a folder")
    parser.add_argument("--baseline", metavar="DIR", help="a second model, to compare with")
    parser.add_argument(
        "--data",
        type=Path,
        help="a folder with records.jsonl (default: what python -m data.embedded made)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/looks"), help="default: runs/looks")
    parser.add_argument("--looks", type=int, nargs="*", default=[1, 2, 3, 4], metavar="N")
    parser.add_argument("--frames", type=int, nargs="*", default=[1, 2, 4, 8, 16], metavar="N")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only so many questions of each task"
    )
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"))
