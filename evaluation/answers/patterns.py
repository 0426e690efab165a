"""Regular expressions that a user wrote: checked when read, matched without hanging.

A pattern with nested repeats, such as `(a+)+$`, can take longer than anyone waits. The package
`regex`, which transformers brings along, reads the syntax of `re` and stops after a given time. It
writes counted repeats out when it compiles them, so their number is limited.
"""

import math
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import regex

MAX_PATTERN = 4000  # characters
MAX_TEXT = 20_000  # characters of an answer that are matched
MAX_REPEATS = 100_000  # of a part, by counts within counts: (a{100}){100} has 10,000
SECONDS = 2.0  # of computation per pattern; ordinary ones take microseconds

# Typographic apostrophes become plain ones, and Markdown's marks go: models write either.
_APOSTROPHES = {0x2018: "'", 0x2019: "'"}
_COUNT = regex.compile(r"(?P<nested>[)}]\s*)?\{(?P<least>\d+)(?:,(?P<most>\d*))?\}")
_MARKS = regex.compile(r"[*_`#]+")


class PatternTimeoutError(ValueError):
    """A pattern took too long on an answer."""


def check_pattern(pattern: str) -> None:
    """Raises ValueError with the reason if a pattern cannot be used."""
    if not pattern:
        raise ValueError("is empty, so it would match every answer.")
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed.")
    if _most_repeats(pattern) > MAX_REPEATS:
        raise ValueError(f"repeats a part more than {MAX_REPEATS:,} times.")
    try:
        _compiled(pattern)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"is not a regular expression: {reason}.") from None


def plain(answer: str) -> str:
    """Normalizes an answer for matching: compatible characters, apostrophes, no Markdown marks."""
    text = unicodedata.normalize("NFKC", answer[:MAX_TEXT]).translate(_APOSTROPHES)
    return _MARKS.sub("", text).strip()


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Returns whether a pattern occurs in the text, in any case. Raises PatternTimeoutError."""
    for pattern in patterns:
        try:
            if _compiled(pattern).search(text, timeout=SECONDS):
                return True
        except TimeoutError:
            raise PatternTimeoutError(
                f"the pattern {pattern[:80]!r} took more than {SECONDS:g} seconds on this answer;"
                " write it without repeats inside repeats."
            ) from None
    return False


def _most_repeats(pattern: str) -> int:
    """Returns an upper bound of the times that counts repeat a part: as if all were nested."""
    counts = {True: [1], False: [1]}
    for found in _COUNT.finditer(pattern):
        most = max(int(found[name] or 0) for name in ("least", "most"))
        counts[found["nested"] is not None].append(most)
    return math.prod(filter(None, counts[True])) * max(counts[False])


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern, regex.IGNORECASE)
