"""JSON from files that people made: any UTF-8, and one sentence for everything else.

A byte-order mark is skipped. Python's parser accepts text that cannot be written again, and fails
in several ways; here every fault is a ValueError whose sentence follows the name of the file:
UTF-16, half of a surrogate pair, a key that occurs twice, deep nesting. NaN, Infinity and numbers
with thousands of digits become floats, which are refused where a number is used.
"""

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Pairs = list[tuple[str, Any]]  # the keys and values of an object

MARK = "\ufeff"  # the byte-order mark
MAX_DIGITS = 4000  # of an integer; Python refuses to read 4,301
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
MAX_DEPTH = 100  # of lists and objects in each other; Python's parser fails at a thousand
NOT_UTF_8 = "is not UTF-8 text"
TOO_DEEP = "is nested too deeply to be read"


class DuplicateKeys(dict[str, Any]):
    """A JSON object in which a key occurs twice; `fault` names it."""

    fault = ""


def refuse_wide(head: bytes) -> None:
    """Raises ValueError if a file that starts with these bytes is UTF-16 or UTF-32."""
    if head.startswith(WIDE) or (b"\0" in head and head.strip(b"\0")):
        raise ValueError(f"{NOT_UTF_8} but UTF-16 or UTF-32; save it as UTF-8")


def decode(content: bytes) -> str:
    """Decodes UTF-8 and drops a byte-order mark; raises ValueError for another encoding."""
    refuse_wide(content[:4])
    try:
        return content.decode().removeprefix(MARK)
    except UnicodeDecodeError:
        raise ValueError(NOT_UTF_8) from None


def read_text(path: Path) -> str:
    """Reads a whole file; raises ValueError if it is missing or not UTF-8."""
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None


def is_blank_line(line: bytes) -> bool:
    """Returns whether a line holds nothing but spaces, or the mark of an empty file."""
    return not line.removeprefix(codecs.BOM_UTF8).strip()


def parse_line(text: str) -> Any:
    """Parses one line of JSON; raises ValueError with the column or the fault."""
    try:
        value = load(text, _unique)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"is not JSON ({what} at column {error.colno})") from None
    # A line without escapes and with few brackets has nothing to find: most lines are not walked.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        refuse_unusable(value)
    return value


def load(text: str, make_object: Callable[[Pairs], dict[str, Any]] | None = None) -> Any:
    """Parses JSON without looking into it; `refuse_unusable` does.

    Raises JSONDecodeError, or ValueError if it is nested too deeply.
    """
    try:
        return json.loads(
            text.removeprefix(MARK),
            object_pairs_hook=make_object or _object,
            parse_int=_integer,
        )
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def refuse_unusable(value: Any) -> None:
    """Raises ValueError if a parsed value has a key twice, is too deep, or is not Unicode."""
    for item in _nested(value):
        if isinstance(item, DuplicateKeys):
            raise ValueError(item.fault)
        if isinstance(item, str) and not item.isascii():
            _refuse_surrogates(item)


def unwritable(error: UnicodeEncodeError) -> str:
    """Describes text that UTF-8 cannot hold."""
    half = printable(error.object[error.start])
    return f"contains {half}, half of a character (a lone surrogate)"


def printable(text: str) -> str:
    """Replaces what cannot be written as UTF-8, such as bytes of a file's name."""
    return text.encode(errors="backslashreplace").decode()


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(unwritable(error)) from None


def _nested(value: Any) -> Iterator[Any]:
    """Yields a value and everything in it, keys included; raises ValueError if it is too deep."""
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        yield item
        if depth > MAX_DEPTH:
            raise ValueError(TOO_DEEP)
        if isinstance(item, dict):
            waiting += ((key, depth + 1) for key in item)
        if isinstance(item, dict | list):
            inner = item.values() if isinstance(item, dict) else item
            waiting += ((one, depth + 1) for one in inner)


def _unique(pairs: Pairs) -> dict[str, Any]:
    found = _object(pairs)
    if isinstance(found, DuplicateKeys):
        raise ValueError(found.fault)
    return found


def _object(pairs: Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = DuplicateKeys(found)
    counts = Counter(key for key, _ in pairs)
    twice.fault = f"has the key {counts.most_common(1)[0][0]!r} twice"
    return twice


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)
