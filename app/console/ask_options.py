"""The command lines of `python -m app ask` and `terminal`. Imports nothing heavy."""

import argparse

from app.options import add_answer_group, add_model_group


def add_ask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    ask = commands.add_parser(
        "ask",
        help="one question about files, or several from standard input",
        description="Streams the answer to standard output and progress to standard error.\n"
        "The question comes last, after the files. Without a question, or with -, every line of\n"
        "standard input is a question in one conversation.\n"
        "Exit code: 0 answered, 2 invalid input.",
        epilog='examples:\n  python -m app ask clip.mp4 "What happens?"\n'
        '  python -m app ask page.png --looks 8 "What is the total?"\n'
        "  python -m app ask clip.mp4 --json - < questions.txt",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument(
        "items", nargs="*", metavar="FILE... QUESTION", help="videos or images, then the question"
    )
    ask.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per answer: answer, seen, findings, usage, warnings",
    )
    ask.add_argument("--quiet", action="store_true", help="print only errors to standard error")
    add_answer_group(ask)
    add_model_group(ask)


def add_terminal(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    terminal = commands.add_parser(
        "terminal",
        help="a chat in this terminal",
        description="Chats in this terminal. /help lists the commands; Ctrl-C stops an answer.",
    )
    terminal.add_argument(
        "files", nargs="*", metavar="FILE", help="videos or images for the first question"
    )
    add_answer_group(terminal)
    add_model_group(terminal)
