"""Parses the command line of `python -m app`: chat, ask, find and the other commands.

Nothing heavy is imported before a command runs, so `--help` is instant.
"""

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from app.console.ask_options import add_ask, add_terminal
from app.console.decide_options import add_decide
from app.console.encode_options import add_encode
from app.console.find_options import add_find
from app.console.streams import prepare_streams
from app.page.options import add_chat
from app.serve.options import add_serve
from vlm.ending import discard_output, end, sentence
from vlm.experts.options import expert_names
from vlm.llamacpp.options import engine_options
from vlm.model_options import limit_threads, model_options

if TYPE_CHECKING:
    from vlm.assistant import Assistant
    from vlm.media.confined.limits import Limits

ABOUT = "Ask about videos and images on this machine. Your files never leave it."
EXAMPLES = """examples:
  python -m app chat                                   open the page at the address it prints
  python -m app ask clip.mp4 "What happens?"           one question, one answer
  python -m app ask a.jpg b.jpg "What differs?"        about several files
  python -m app ask clip.mp4 --json "How many cars?"   the answer and the frames seen, as JSON
  printf 'What is this?\\nWhich color?\\n' | python -m app ask photo.jpg -
  python -m app terminal clip.mp4                      chat in the terminal
  python -m app encode clip.mp4 --out clip.safetensors  features of a video encoder alone
  python -m app find clip.mp4 "a dog jumps" --encoder runs/films   when it happens
  python -m app serve --port 8000                      answer programs, as OpenAI's API does
  python -m app doctor                                 check this machine
"""
BAD_INPUT = 2


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands and options."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "python -m app", description=ABOUT, epilog=EXAMPLES, formatter_class=raw
    )
    commands = top.add_subparsers(
        dest="command", metavar="{chat,serve,ask,decide,terminal,encode,find,doctor}"
    )
    top.add_argument("--version", action="version", version=f"Revisit {_version()}")

    for add in (add_chat, add_serve, add_ask, add_decide, add_terminal, add_encode, add_find):
        add(commands)
    doctor = commands.add_parser(
        "doctor",
        help="check this machine and suggest fixes",
        description="Checks packages, CPU and GPUs, memory, decoders and the embedded model's\n"
        "files. Loads and downloads nothing. Exit code: 0 all is well, 1 otherwise.",
        formatter_class=raw,
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    return top


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the arguments; unlike plain argparse, options may precede the question."""
    args, rest = parser().parse_known_args(arguments)
    unknown = [word for word in rest if word.startswith("-") and word != "-"]
    if unknown or (rest and args.command not in ("ask", "decide", "find")):
        parser().error(f"unknown: {' '.join(unknown or rest)}")
    if rest:
        args.items += rest
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    prepare_streams()
    args = parse(arguments)
    if args.command is None:
        parser().print_help()
        return 0
    try:
        if args.command == "doctor":
            return _doctor(args)
        limit_threads(args.threads)
        if args.command == "encode":
            from app.console.encode import encode

            return encode(args)
        if args.command == "find":
            from app.console.find import find

            return find(args)
        expert_names(args.experts)  # a wrong name is refused before anything is loaded
        if args.command == "chat":
            from app.page.command import chat

            return chat(args, load_assistant)
        if args.command == "serve":
            from app.serve.command import serve

            return serve(args, partial(load_assistant, args))
        if args.command == "ask":
            from app.console.ask import ask  # imported late: see above

            return ask(args, lambda: load_assistant(args))
        if args.command == "decide":
            from app.console.decide import decide

            return decide(args, lambda: load_assistant(args))
        from app.console.terminal import Terminal

        return Terminal(load_assistant(args), args).run()
    except BrokenPipeError:
        discard_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, ImportError) as error:
        from app.sanitize import for_terminal

        print(for_terminal(sentence(error)), file=sys.stderr)
        return BAD_INPUT


def load_assistant(args: argparse.Namespace, limits: "Limits | None" = None) -> "Assistant":
    """Loads the model the options select; None: the usual limits of files."""
    from vlm.open_assistant import open_assistant

    say = None if getattr(args, "quiet", False) else _say
    chosen = {"experts": expert_names(args.experts), "read_text": args.read_text}
    options = {**chosen, "limits": limits, **engine_options(args), **model_options(args)}
    assistant = open_assistant(args.model, announce=say, **options)
    if args.verify_engine:
        from vlm.llamacpp.verify import verify_engine

        for check in verify_engine(assistant, args.model):
            _say(check.required())
    return assistant


def _version() -> str:
    try:
        return importlib.metadata.version("revisit-vlm")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _doctor(args: argparse.Namespace) -> int:
    from app.doctor import doctor

    text, healthy = doctor(args.json)
    print(text)
    return 0 if healthy else 1


if __name__ == "__main__":
    end(main)
