"""The command line of `python -m app chat`. Imports nothing heavy."""

import argparse

from app.options import add_model_group


def add_chat(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    chat = commands.add_parser(
        "chat",
        help="a page in your browser",
        description="Serves the chat page, by default to this machine only.",
        epilog="examples:\n  python -m app chat --open\n"
        "  python -m app chat --model ~/models/pvc-8b --port 8000\n"
        "  python -m app chat --host 0.0.0.0 --auth ann:a-good-password",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chat.add_argument(
        "--port",
        type=int,
        default=7860,
        help="port; if taken, the next free one is used; 0 takes any (default 7860)",
    )
    chat.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine only)",
    )
    chat.add_argument("--auth", metavar="USER:PASS", help="require this name and password")
    chat.add_argument(
        "--without-password",
        action="store_true",
        help="allow another --host without a password",
    )
    chat.add_argument("--open", action="store_true", help="open the page in your browser")
    chat.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="NAME",
        help="models that the page can change between; the first is loaded",
    )
    chat.add_argument(
        "--api", action="store_true", help="answer programs too, as `serve` does, at /v1"
    )
    chat.add_argument(
        "--api-key", action="append", default=[], metavar="KEY", help="with --api: require this key"
    )
    add_model_group(chat)
