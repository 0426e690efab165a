"""Makes the times in an answer links that move the film there: "at 0:07" -> [0:07](#t=7)."""

import re
from collections.abc import Sequence

from app.frame_strip import Strip
from app.looks import seconds
from app.sanitize import split_code

# A link is left as it is; a clock time always links, a number of seconds only as a moment.
_TIME = re.compile(
    r"(?P<link>\[[^\]\n]*\]\([^)\n]*\))"
    r"|(?<![\w:.,])(?P<clock>\d{1,3}:[0-5]\d(?::[0-5]\d)?(?:\.\d)?)(?![\w:])"
    r"|\b(?P<before>(?:at|around|about|near|after|from|until) )(?P<number>\d{1,5}(?:\.\d+)?)"
    r"(?P<unit> ?s| seconds?)\b",
    re.I,
)


def length_seen(films: Sequence[Strip]) -> float:
    """Returns the seconds up to which the films were seen, and one step more; 0 without a film."""
    ends = []
    for strip in films:
        times = strip.times or ()
        step = times[-1] - times[-2] if len(times) > 1 else 1.0
        ends += [time + step for time in times[-1:]]
    return max(ends, default=0.0)


def with_time_links(markdown: str, length: float) -> str:
    """Links the times up to `length` seconds, outside of code and of other links."""

    def link(match: re.Match[str]) -> str:
        words = match["clock"] or match["number"]
        if words is None or seconds(words) > length:
            return match[0]
        shown = f"{words}{match['unit'] or ''}"
        return f"{match['before'] or ''}[{shown}](#t={seconds(words):g})"

    if length <= 0:
        return markdown
    parts = split_code(markdown)
    return "".join(part if is_code else _TIME.sub(link, part) for part, is_code in parts)
