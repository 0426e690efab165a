"""The options of `python -m evaluation looks`, in a module of their own so that --help is fast."""

import argparse
from pathlib import Path
from typing import Any

ABOUT = """PVC's signature experiment: do more looks improve answers? Asks the same questions about
images of text and small detail with one to four looks per image, and the same questions about
videos with increasing numbers of frames. Repeat the same command to resume a stopped run."""


def add_looks(commands: Any) -> None:
    """Adds the command to the parser of `python -m evaluation`."""
    parser = commands.add_parser(
        "looks",
        help="plot accuracy against the number of looks and frames",
        description=ABOUT,
        epilog="examples:\n  python -m evaluation looks --limit 5\n"
        "  python -m evaluation looks --model pvc=runs/a/model --beside plain=runs/b/model",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model",
        default="embedded",
        metavar="[NAME=]DIR",
        help="model folder or repository, optionally with a name (default: embedded)",
    )
    parser.add_argument(
        "--beside",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="more models for comparison, such as one trained without progressive encoding",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="folder with records.jsonl (default: the output of python -m data.embedded)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/looks"), help="output folder (default: runs/looks)"
    )
    for name, numbers, text in (
        ("--looks", [1, 2, 3, 4], "looks at each image; without a number, images are skipped"),
        ("--frames", [1, 2, 4, 8, 16], "frames per video; without a number, videos are skipped"),
    ):
        parser.add_argument(name, type=int, nargs="*", default=numbers, metavar="N", help=text)
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only the first N questions of each task"
    )
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"))
