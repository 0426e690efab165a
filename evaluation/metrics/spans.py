"""Spans of time in words, and how much two of them overlap.

`written_spans` follows TimeLens (as lmms-eval runs it): clock times first, then "a - b" or "a to
b", then any two numbers. `clean_span` is ours: it also reads "from 3 s to 5 s" and sorts the ends.
"""

import re

Span = tuple[float, float]  # start and end, in seconds

CLOCK = re.compile(r"\b(\d{1,2}:\d{2}:\d{2}(?:\.\d+)?|\d{1,2}:\d{2}(?:\.\d+)?)\b")
PAIRS = (
    re.compile(r"(\d+\.?\d*)\s*-\s*(\d+\.?\d*)"),
    re.compile(r"(\d+\.?\d*)\s+to\s+(\d+\.?\d*)"),
)
NUMBER = re.compile(r"\b\d+\.?\d*\b")
UNIT = r"(?:\s*(?:s|sec|secs|second|seconds))?"
TIME = r"(\d{1,2}:\d{2}:\d{2}(?:\.\d+)?|\d{1,2}:\d{2}(?:\.\d+)?|\d+(?:\.\d+)?)"
STATED = re.compile(rf"{TIME}{UNIT}\s*(?:-|–|—|to|until|till|and)\s*{TIME}{UNIT}\b")
ANY = re.compile(rf"(?<![\w.]){TIME}(?=\s|s\b|sec|[.,;:)]|$)")


def written_spans(text: str) -> list[Span]:
    """Returns the spans that the published rule finds, in order."""
    text = text.lower()
    clocks = [_seconds(time) for time in CLOCK.findall(text)]
    if len(clocks) >= 2:
        return _in_pairs(clocks)
    for pair in PAIRS:
        if found := pair.findall(text):
            return [(float(start), float(end)) for start, end in found]
    return _in_pairs([float(number) for number in NUMBER.findall(text)])


def clean_span(text: str) -> Span | None:
    """Returns the last span that is stated, else the only two times; None if there is neither."""
    text = text.lower()
    stated = STATED.findall(text)
    if stated:
        start, end = map(_seconds, stated[-1])
        return min(start, end), max(start, end)
    times = [_seconds(time) for time in ANY.findall(text)]
    return (min(times), max(times)) if len(times) == 2 else None


def overlap(one: Span, other: Span) -> float:
    """Returns the intersection over union, 0 to 1; 0 where a span ends before it starts."""
    union = max(one[1], other[1]) - min(one[0], other[0])
    inside = min(one[1], other[1]) - max(one[0], other[0])
    return 0.0 if union <= 0 else max(inside, 0.0) / union


def format_span(span: Span) -> str:
    return f"{span[0]:g} - {span[1]:g}"


def _in_pairs(numbers: list[float]) -> list[Span]:
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _seconds(time: str) -> float:
    total = 0.0
    for part in time.split(":"):
        total = 60 * total + float(part)
    return total
