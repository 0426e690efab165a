"""The options of `python -m app decide`. Imports nothing heavy, so that `--help` is instant."""

import argparse


def add_decide_options(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument(
        "items", nargs="*", metavar="FILE QUESTION", help="a file, then the question"
    )
    command.add_argument("--options", metavar="A,B,...", help="choose between these answers")
    command.add_argument(
        "--score", nargs=2, type=int, metavar=("LOW", "HIGH"), help="choose a whole number"
    )
    command.add_argument(
        "--every", type=float, metavar="SECONDS", help="decide for each step of the film's time"
    )
    command.add_argument(
        "--threshold", type=float, metavar="P", help="mark where the probability rises to P"
    )
    command.add_argument(
        "--follow", action="store_true", help="go on while the file grows, as a recorder writes it"
    )
    command.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="with --follow: end once the file has not grown for so long (default 10)",
    )
    command.add_argument("--calibration", metavar="FILE", help="numbers that --fit wrote")
    command.add_argument(
        "--fit",
        metavar="JSONL",
        help='fit a calibration to lines like {"file": ..., "question": ..., "answer": "Yes"}',
    )
    command.add_argument("--json", action="store_true", help="print JSON, one object a line")
