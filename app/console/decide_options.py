"""The command line of `python -m app decide`. Imports nothing heavy."""

import argparse

from app.options import add_answer_group, add_model_group


def add_decide(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    command = commands.add_parser(
        "decide",
        help="probabilities of given answers, also over time",
        description="Prints how likely each given answer is, in place of writing one. Without a\n"
        "calibration these are the model's own probabilities, which are often too sure.",
        epilog='examples:\n  python -m app decide clip.mp4 "Is the door open?"\n'
        '  python -m app decide clip.mp4 --every 1 --threshold 0.8 "Is somebody in the room?"\n'
        '  python -m app decide photo.jpg --options red,green,blue "Which color is the car?"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    add_answer_group(command)
    add_model_group(command)
