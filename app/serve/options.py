"""The command line of `python -m app serve`. Imports nothing heavy."""

import argparse
from dataclasses import dataclass
from typing import Any

from app.options import add_model_group
from app.serve.limits import ServeLimits
from vlm.media.confined.limits import Limits

KEY_VARIABLE = "REVISIT_API_KEY"


@dataclass(frozen=True)
class Number:
    """An option that sets a field of ServeLimits or, with `of_media`, of the decoder's Limits."""

    option: str
    field: str
    noun: str
    unit: int = 1  # of the field, in one of the option
    least: int = 1
    of_media: bool = False

    @property
    def default(self) -> int:
        limits = Limits() if self.of_media else ServeLimits()
        return int(getattr(limits, self.field)) // self.unit

    def read(self, args: argparse.Namespace) -> int:
        """Returns the field's value. Raises ValueError if the option is too small."""
        value = getattr(args, self.option.removeprefix("--").replace("-", "_"))
        if value < self.least:
            raise ValueError(f"{self.option} is {value}; it must be {self.least} or more.")
        return value * self.unit


NUMBERS = (
    Number("--running", "running", "requests that are answered at once"),
    Number("--queue", "queue", "requests that wait; more are refused with 429", least=0),
    Number("--per-key", "per_key", "requests of one key, running and waiting"),
    Number("--max-tokens", "new_tokens", "most tokens of an answer; --context bounds all"),
    Number("--max-files", "media", "films and pictures of a request"),
    Number("--max-file-mb", "file_bytes", "megabytes of a file", 2**20, of_media=True),
    Number("--max-megapixels", "pixels", "million pixels of a frame", 10**6, of_media=True),
    Number("--max-duration", "duration", "seconds that a film lasts", of_media=True),
    Number("--decode-seconds", "seconds", "seconds to decode a file", of_media=True),
    Number("--quota-mb", "quota", "megabytes of all files that a key uploads", 2**20),
)


def limits_of(args: argparse.Namespace) -> tuple[ServeLimits, Limits]:
    """Returns the server's and the decoder's limits that the options choose."""
    own: dict[str, Any] = {
        number.field: number.read(args) for number in NUMBERS if not number.of_media
    }
    media: dict[str, Any] = {
        number.field: number.read(args) for number in NUMBERS if number.of_media
    }
    return ServeLimits(**own, upload=media["file_bytes"]), Limits(**media)


def add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    command = commands.add_parser(
        "serve",
        help="an OpenAI-compatible server for programs",
        description="Answers OpenAI's chat completions and Responses about videos and images, by\n"
        "default to this machine only. docs/serving.md describes requests and limits.",
        epilog="examples:\n  python -m app serve\n"
        "  REVISIT_API_KEY=a-long-random-key python -m app serve --host 0.0.0.0",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        "--media-dir",
        metavar="DIR",
        help="open file:// addresses below this folder, as harnesses send; default: none",
    )
    command.add_argument(
        "--verify-cache",
        action="store_true",
        help="first prove that cached answers are the fresh ones; exit with 3 if they are not",
    )
    command.add_argument(
        "--calibration", metavar="FILE", help="of decisions; `python -m app decide --fit` writes it"
    )
    for number in NUMBERS:
        command.add_argument(
            number.option,
            type=int,
            default=number.default,
            metavar="N",
            help=f"{number.noun} (default {number.default})",
        )
    command.add_argument(
        "--drain",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="time that running answers have to end after SIGTERM (default 30)",
    )
    add_model_group(command)
