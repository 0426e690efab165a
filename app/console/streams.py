"""Makes the standard streams take any byte and any character.

File names, arguments and piped text can hold bytes that are not UTF-8, and a terminal may write
only ASCII or Latin-1. Neither may end an answer half-way.
"""

import io
import sys

from app.sanitize import whole_characters

BYTE_ORDER_MARK = "\ufeff"


def prepare_streams() -> None:
    """Replaces what a stream cannot encode, and keeps undecodable input bytes for `decoded`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        encoding = sys.stdin.encoding if sys.stdin.isatty() else "utf-8"
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")


def decoded(line: str) -> str:
    """Returns a line of input without a byte-order mark; bytes that are not UTF-8 are Latin-1."""
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return whole_characters(line).removeprefix(BYTE_ORDER_MARK)
