"""Relaxed accuracy, the metric of ChartQA (arXiv:2203.10244): numbers may be 5 % off.

`relaxed` reproduces the function that all harnesses share, with its limitations: a "%" divides only
its own side, "1,000" is not a number, a target of 0 is compared as text, and "Yes." differs from
"Yes". `relaxed_clean` repairs these; both allow years to be 5 % off.
"""

TOLERANCE = 0.05


def relaxed(answer: str, target: str) -> float:
    """Returns 1 or 0."""
    given, expected = _number(answer), _number(target)
    if given is not None and expected:
        return float(abs(given - expected) / abs(expected) <= TOLERANCE)
    return float(answer.lower() == target.lower())


def relaxed_clean(answer: str, target: str) -> float:
    """Returns 1 or 0; ignores full stops, thousands separators, currency and percent signs."""
    answer, target = (_tidy(text) for text in (answer, target))
    given, expected = _number(answer), _number(target)
    if given is not None and expected is not None:
        return float(abs(given - expected) <= TOLERANCE * abs(expected))
    return float(answer.lower() == target.lower())


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def _tidy(text: str) -> str:
    text = " ".join(text.split()).rstrip(".").strip()
    bare = text.strip("$€£¥% ").replace(",", "")
    return bare if _number(bare) is not None else text
