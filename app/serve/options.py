"""The options of `python -m app serve`. Imports nothing heavy, so that `--help` is instant."""

import argparse

from app.serve.limits import ServeLimits

KEY_VARIABLE = "REVISIT_API_KEY"


def add_serve_options(command: argparse.ArgumentParser) -> None:
    """Adds the options of the server."""
    command.add_argument("--port", type=int, default=8000, help="port (default 8000)")
    command.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    command.add_argument(
        "--api-key",
        action="append",
        default=[],
        metavar="KEY",
        help=f"require this key; may be repeated, or stand in ${KEY_VARIABLE}, divided by commas",
    )
    command.add_argument(
        "--without-key", action="store_true", help="allow another --host without a key"
    )
    command.add_argument(
        "--name", metavar="NAME", help="the model's name in requests (default: of --model)"
    )
    command.add_argument(
        "--allow-media-host",
        action="append",
        default=[],
        metavar="HOST",
        help="fetch media from this host (.example.org: from all below it); default: from none",
    )
    command.add_argument(
        "--verify-cache",
        action="store_true",
        help="first prove that cached answers are the fresh ones; exit with 3 if they are not",
    )
    command.add_argument(
        "--calibration", metavar="FILE", help="of decisions; `python -m app decide --fit` writes it"
    )
    defaults = ServeLimits()
    for option, field, noun in (
        ("--running", "running", "requests that are answered at once"),
        ("--queue", "queue", "requests that wait; more are refused with 429"),
        ("--per-key", "per_key", "requests of one key, running and waiting"),
        ("--max-tokens", "new_tokens", "most tokens of an answer"),
    ):
        default = getattr(defaults, field)
        command.add_argument(
            option, type=int, default=default, metavar="N", help=f"{noun} (default {default})"
        )
    command.add_argument(
        "--drain",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="time that running answers have to end after SIGTERM (default 30)",
    )
