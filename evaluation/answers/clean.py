"""Our own extraction of a choice: the letter a human reader would infer, else None.

Accepts lower case, full-width letters, brackets and whole option texts; rejects a letter inside a
word, the article "a", two different letters and refusals. No published result uses this rule.
"""

import re
import unicodedata
from collections.abc import Sequence

from evaluation.answers.ranked import strip_reasoning

_STATED = re.compile(
    r"\b(?:answer|option|choice|choose|select|pick)\b(?:\s+(?:is|would be))?\s*[:=]?\s*"
    r"(?:option\s+)?[\[(*\"']*([A-Z])\b",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"^[\[(*\"']*([A-Z])(?:[\])*\"']+|[.:]|$)", re.IGNORECASE)
# Alphabetic words end at a space; Chinese or Japanese text may adjoin a letter.
_WORD = r"[0-9A-Za-z_\u00c0-\u04ff'’-]"
_ALONE = re.compile(rf"(?<!{_WORD})([A-Z])(?!{_WORD})")


def clean_choice(text: str, options: Sequence[str]) -> str | None:
    """Returns the letter of one of `options`, A first, or None."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options)]
    text = unicodedata.normalize("NFKC", strip_reasoning(text)).strip()
    begins = _BEGINS.match(text)
    if begins and begins[1].upper() in letters:
        return begins[1].upper()
    stated = [found for found in _STATED.finditer(text) if _is_letter(text, found)]
    if stated:
        named = {found[1].upper() for found in stated}
        return named.pop() if len(named) == 1 and named <= set(letters) else None
    alone = {f[1] for f in _ALONE.finditer(text) if f[1] in letters and _is_letter(text, f)}
    if alone:
        return alone.pop() if len(alone) == 1 else None
    return _by_text(text, options, letters)


def _is_letter(text: str, found: re.Match[str]) -> bool:
    """True unless the match is the article "a", that is, followed by a word it could belong to."""
    if found[1].upper() != "A":
        return True
    return re.match(r"\s+[^\W\d_]", text[found.end(1) :]) is None or _listed(text, found)


def _listed(text: str, found: re.Match[str]) -> bool:
    return re.match(r"\s+(?:and|or|is|because|since)\b", text[found.end(1) :]) is not None


def _by_text(text: str, options: Sequence[str], letters: str) -> str | None:
    def spaced_words(phrase: str) -> str:
        return " " + " ".join(re.findall(r"[^\W_]+", phrase.lower())) + " "

    answer = spaced_words(text)
    normalized = [spaced_words(unicodedata.normalize("NFKC", option)) for option in options]
    same = [letter for letter, option in zip(letters, normalized, strict=True) if option == answer]
    if len(same) == 1:
        return same[0]
    inside = [
        letter
        for letter, option in zip(letters, normalized, strict=True)
        if option.strip() and option in answer
    ]
    return inside[0] if len(inside) == 1 else None
