"""Regular expressions that a user wrote: checked when read, matched without hanging.

A pattern with nested repeats, such as `(a+)+$`, can take longer than anyone waits. The package
`regex`, which transformers brings along, reads the syntax of `re` and stops after a given time.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import regex

MAX_PATTERN = 4000  # characters
MAX_TEXT = 20_000  # characters of an answer that are matched
SECONDS = 2.0  # per pattern; ordinary ones take microseconds

# Typographic apostrophes become plain ones, and Markdown's marks go: models write either.
_APOSTROPHES = {0x2018: "'", 0x2019: "'"}
_MARKS = regex.compile(r"[*_`#]+")


class PatternTimeoutError(ValueError):
    """A pattern took too long on an answer."""


def check_pattern(pattern: str) -> None:
    """Raises ValueError with the reason if a pattern cannot be used."""
    if not pattern:
        raise ValueError("is empty, so it would match every answer.")
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed.")
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


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern, regex.IGNORECASE)
