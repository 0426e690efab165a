"""The findings of one frame in words: kinds, things with number, place and color, lines of text.

    Kind: tabby cat 62%, cat 91%. Things: 2 person (left blue, right large red); 1 bus (blue).
    Together: person with cup. Perhaps doing: having a drink. Text: LOST CAT / Please call 555-0172

A language model reads such a line far better than learned vectors. The same findings always give
the same line. What was read stands last, so that nothing in it can pass for a finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vlm.experts.activities import Activity, activity
from vlm.experts.agreement import is_page
from vlm.experts.findings import CERTAIN, UNNAMED, Findings, Kind, Line, Thing
from vlm.experts.places import Place, place_of
from vlm.experts.together import together
from vlm.plural import plural

LARGE, SMALL = 0.3, 0.004  # of the frame's area
MAX_LISTED = 6  # things of a class with their places; of more only the number
MAX_CLASSES = 8
SPLIT = 0.4  # of a look's words; if more are free, a line that does not fit is divided
PROMINENT = 1.5  # times the median height of the lines
PAGE_OF_TEXT = "Page of text."
MORE = "..."  # after the last word if there is more text than the looks give


def still_looks(findings: Findings, num_looks: int, words_per_look: int) -> list[str]:
    """Words for each look at a still picture.

    Look 1 gives kinds, things and the first `words_per_look` words of the text, prominent lines
    first; each further look reads on, and is empty once all is read.
    """
    parts = _portions(read_order(findings.lines or ()), num_looks, words_per_look)
    first = describe(findings, parts[0])
    return [first, *(f"Text goes on: {part}" if part else "" for part in parts[1:])]


def of_still(findings: Findings) -> Findings:
    """Leaves out drawn things without a name: in a film they move, in a picture they tell nothing.

    A language model that reads of "1 shape" denies the thing that it is asked for.
    """
    if findings.things is None:
        return findings
    return replace(findings, things=tuple(t for t in findings.things if t.name != UNNAMED))


def describe(findings: Findings, text: str) -> str:
    """Kinds, things, then `text`, in one line; an expert that did not look is not mentioned."""
    parts = [_state(findings)]
    if findings.kinds is not None:
        parts.append(f"Kind: {_kinds(findings.kinds)}.")
    if findings.things is not None:
        parts += _things(findings.things)
    if not is_page(findings.lines or ()):
        parts += [str(x) for x in (activity_in(findings), place_in(findings)) if x]
    if findings.color:
        middle = findings.middle_color
        other = f", middle {middle}" if middle not in ("", findings.color) else ""
        parts.append(f"Color: {findings.color}{other}.")
    if findings.lines is not None:
        count = len(findings.lines)
        parts.append(f"Text ({plural(count, 'line')}): {text}" if count else "Text: none")
    return " ".join(part for part in parts if part)


def activity_in(findings: Findings) -> Activity | None:
    """Returns what people in a picture seem to do; None if there is nobody or nothing shows it."""
    things = findings.things or ()
    sure = [t.name for t in things if t.score >= CERTAIN]
    maybe = [t.name for t in things if t.score < CERTAIN]
    if "person" not in (*sure, *maybe):
        return None
    pairs = list(dict.fromkeys(together(things)))
    found = activity(pairs, sure, maybe, findings.kinds or ())
    return replace(found, sure=False) if found and "person" not in sure else found


def place_in(findings: Findings) -> Place | None:
    """Returns the kind of place that a picture seems to show."""
    sure = [t.name for t in findings.things or () if t.score >= CERTAIN]
    return place_of(sure, findings.kinds or ())


def name_things(things: Iterable[Thing]) -> str:
    """ "2 person (left blue, right large red); 1 bus (blue)", the most prominent class first."""
    classes: dict[str, list[Thing]] = {}
    for thing in things:
        classes.setdefault(thing.name, []).append(thing)
    ordered = sorted(classes.items(), key=lambda item: (-sum(t.area for t in item[1]), item[0]))
    return "; ".join(_class(name, of) for name, of in ordered[:MAX_CLASSES])


def place(thing: Thing) -> str:
    """ "left", "top right", "middle": the third of the frame that the center is in."""
    x, y = thing.center
    side = "left" if x < 0.36 else "right" if x > 0.64 else "middle"
    level = "top" if y < 0.3 else "bottom" if y > 0.72 else ""
    return f"{level} {side}".strip()


def read_order(lines: Sequence[Line]) -> list[str]:
    """The texts of the lines: prominent ones first, then the others in the order of reading."""
    heights = sorted(line.height for line in lines)
    limit = PROMINENT * heights[len(heights) // 2] if heights else 0.0
    prominent = [line for line in lines if line.height > limit and len(line.text) > 2]
    return [line.text for line in [*prominent, *(x for x in lines if x not in prominent)]]


def _portions(texts: list[str], num_looks: int, words_per_look: int) -> list[str]:
    """The next words for each look, in whole lines where they fit, divided by " / "."""
    rest = [text.split() for text in texts]
    parts = []
    for _ in range(num_looks):
        part: list[str] = []
        room = words_per_look
        while rest and (len(rest[0]) <= room or room > words_per_look * SPLIT):
            line, left = rest[0][:room], rest[0][room:]
            part.append(" ".join(line))
            room -= len(line)
            rest[:1] = [left] if left else []
        parts.append(" / ".join(part))
    if rest:
        parts[-1] += f" {MORE}"
    return parts


def _state(findings: Findings) -> str:
    flags = [name for name in ("blurred", "dark") if getattr(findings, name)]
    parts = [f"{' and '.join(flags).capitalize()}."] if flags else []
    return " ".join(parts + ([PAGE_OF_TEXT] if is_page(findings.lines or ()) else []))


def _kinds(kinds: Iterable[Kind]) -> str:
    return ", ".join(f"{k.name} {round(100 * k.probability)}%" for k in kinds) or "unclear"


def _things(things: Sequence[Thing]) -> list[str]:
    sure = [t for t in things if t.score >= CERTAIN]
    guesses = [t for t in things if t.score < CERTAIN]
    parts = [f"Things: {name_things(sure) or 'none'}."]
    if guesses:
        parts.append(f"Perhaps: {name_things(guesses)}.")
    pairs = list(dict.fromkeys(together(things)))
    if pairs:
        parts.append(f"Together: {', '.join(pairs)}.")
    return parts


def _class(name: str, things: list[Thing]) -> str:
    listed = sorted(things, key=lambda t: t.center)
    if len(things) > MAX_LISTED:
        colors = [t.color for t in listed if t.color]
        common = max(sorted(set(colors)), key=colors.count, default="")
        return f"{len(things)} {name}" + (f" (mostly {common})" if common else "")
    return f"{len(things)} {name} ({', '.join(_details(t) for t in listed)})"


def _details(thing: Thing) -> str:
    size = "large" if thing.area > LARGE else "small" if thing.area < SMALL else ""
    return " ".join(word for word in (place(thing), size, thing.color) if word)
