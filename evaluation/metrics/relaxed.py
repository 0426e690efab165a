"""Relaxed accuracy, the metric of ChartQA (arXiv:2203.10244): numbers may be 5 % off.

`relaxed` repeats the function all harnesses share, with what it cannot do: a "%" divides its own
side only, "1,000" is no number, a target of 0 is compared as text, and "Yes." is not "Yes".
`relaxed_clean` repairs these; years get their 5 % in both.
"""

TOLERANCE = 0.05


def relaxed(answer: str, target: str) -> float:
    """1 or 0."""
    said, wanted = _number(answer), _number(target)
    if said is not None and wanted:
        return float(abs(said - wanted) / abs(wanted) <= TOLERANCE)
    return float(answer.lower() == target.lower())


def relaxed_clean(answer: str, target: str) -> float:
    """1 or 0; a full stop, thousands, currency and per cent signs do not matter."""
    answer, target = (_tidy(text) for text in (answer, target))
    said, wanted = _number(answer), _number(target)
    if said is not None and wanted is not None:
        return float(abs(said - wanted) <= TOLERANCE * abs(wanted))
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
