"""Relaxed accuracy, the metric of ChartQA (arXiv:2203.10244): numbers may be 5 % off.

`relaxed` reproduces the function that all harnesses share, with its limitations: a "%" divides only
its own side, "1,000" is not a number, a target of 0 is compared as text, "Yes." differs from "Yes",
and 1910 is right for 2010. `relaxed_clean` repairs these: a year must match exactly, "50%", "50"
and "0.5" are the same share, and an answer may be a sentence.
"""

import re

from evaluation.answers.short import short_answer

TOLERANCE = 0.05
YEAR = re.compile(r"(?:1[5-9]|20)\d\d")  # as a target is written: 2,010 and 2010.5 are not years
# Groups of three digits, or of two before the last three as in India: "1,2" is not 12.
GROUPED = re.compile(
    r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:[ \u00a0\u202f]\d{3})+"
)
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)


def relaxed(answer: str, target: str) -> float:
    """Returns 1 or 0."""
    given, expected = _number(answer), _number(target)
    if given is not None and expected:
        return float(abs(given - expected) / abs(expected) <= TOLERANCE)
    return float(answer.lower() == target.lower())


def relaxed_clean(answer: str, target: str) -> float:
    """Returns 1 or 0; ignores full stops, thousands separators, currency and percent signs."""
    candidates = (answer, short_answer(answer), *_only_number(answer))
    return max(_clean(candidate, target) for candidate in candidates)


def _clean(answer: str, target: str) -> float:
    answer, target = (" ".join(text.split()).rstrip(".").strip() for text in (answer, target))
    given, expected = _plain_number(answer), _plain_number(target)
    if YEAR.fullmatch(target):
        return float(given == expected and not answer.endswith("%"))
    if given is None or expected is None:
        return float(answer.lower() == target.lower())
    shares = [given]
    if answer.endswith("%") != target.endswith("%"):  # 0.5 for 50%, or 50% for 0.5
        shares.append(given / 100 if answer.endswith("%") else given * 100)
    return float(any(abs(share - expected) <= TOLERANCE * abs(expected) for share in shares))


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def _plain_number(text: str) -> float | None:
    """Returns a number written with currency, percent sign and thousands separators, or None."""
    bare = text.replace("\u2212", "-").strip("$€£¥% ")
    sign, digits = (bare[:1], bare[1:].strip("$€£¥ ")) if bare[:1] in "+-" else ("", bare)
    whole, point, fraction = digits.partition(".")
    if GROUPED.fullmatch(whole):
        digits = re.sub(r"\D", "", whole) + point + fraction
    return float(sign + digits) if NUMBER.fullmatch(sign + digits) else None


def _only_number(answer: str) -> list[str]:
    """Returns the number of a sentence with a single one, with its percent sign."""
    found = re.findall(r"(?<![\w.,])[-+\u2212]?[$€£¥]?\d[\d,]*(?:\.\d+)?\s?%?(?![\w])", answer)
    return [found[0].rstrip(",").replace(" ", "")] if len(found) == 1 else []
