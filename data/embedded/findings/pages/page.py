"""A page of text: its rows, the facts in them, how a reader garbles it, questions about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import Exchange, exactly
from data.embedded.findings.phrasings.pages import MISSING, PAGES
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.findings import Box, Findings, Kind, Line, Thing

DROPPED, MERGED, GARBLED = 0.025, 0.12, 0.015  # rows; pages whose columns merge; words
ALIKE = {  # what a reader takes for what
    **{"l": "I", "I": "l", "o": "0", "O": "0", "e": "c", "m": "rn", "n": "r", "a": "o", "t": "f"},
    **{"i": "l", "h": "b", "u": "v", "s": "5", "g": "q", "c": "e", "rn": "m", "y": "v", "d": "cl"},
}
PAPER = (  # what the classifier takes pages for
    *(
        "website",
        "website",
        "website",
        "website",
        "website",
        "website",
        "menu",
        "envelope",
        "crossword",
        "dust jacket",
        "comic book",
        "packet",
    ),
    *("laptop computer", "monitor", "slide rule", "ring binder"),
)


STRAY = (  # what the detector takes for a thing on a page
    *("book", "cell phone", "laptop", "tv", "person", "kite", "airplane", "traffic light"),
    *("oven", "clock", "refrigerator", "scissors"),
)
SIGNS = (
    *("street sign", "traffic light", "mailbox", "scoreboard", "tobacco shop", "bakery", "packet"),
    *("parking meter", "doormat", "shield"),
)


@dataclass(frozen=True)
class Row:
    text: str
    size: float = 1.0  # times the height of the text


@dataclass(frozen=True)
class Fact:
    """Something a page states: `about` is a question of PAGES, `value` stands on the page."""

    about: str
    value: str
    full: str = "{v}."  # a sentence about {v}
    slots: Mapping[str, str] = field(default_factory=dict)
    kind: str = "document"
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    support: tuple[str, ...] | None = None  # None: the value itself
    missing: str = ""  # the answer if it was not read; "" takes the usual one
    short: str = "{v}."


@dataclass(frozen=True)
class Page:
    """`names` are what it may be called, the best first, as "a receipt"."""

    world: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    facts: tuple[Fact, ...]
    about: tuple[tuple[str, tuple[str, ...]], ...] = ()  # parts of a summary and what they rest on
    about_right: tuple[str, ...] = ()
    title: str = ""
    language: str = "English"
    lacking: tuple[str, ...] = ()  # questions that it does not answer
    is_sign: bool = False
    things: tuple[Thing, ...] = ()


@dataclass(frozen=True)
class ReadPage:
    """A page after reading: findings, their words, and the page as it was read."""

    page: Page
    findings: Findings
    text: str  # the words of the findings

    def holds(self, support: Sequence[str]) -> bool:
        joined = self.text.replace("\nText goes on: ", " ")
        return all(word in joined for word in support)


def garble(d: Draw, page: Page) -> Page:
    """Misreads some words and loses some rows; facts keep to what was read."""
    plain = sorted({w for row in page.rows for w in re.findall(r"[A-Za-z]{4,}", row.text)})
    wrong = {w: _misread(d, w) for w in plain if d.chance(GARBLED)}

    def read(text: str) -> str:
        return re.sub(r"[A-Za-z]{4,}", lambda m: wrong.get(m[0], m[0]), text)

    merged = d.chance(MERGED)
    rows = [Row(read(row.text), row.size) for row in page.rows if not d.chance(DROPPED)]
    if merged:
        rows = [Row(row.text.replace(" | ", " "), row.size) for row in rows]
    facts = [
        Fact(
            **{
                **vars(fact),
                "value": read(fact.value),
                "short": re.sub(r'"[^"]+"', lambda m: read(m[0]), fact.short),
                "full": re.sub(r'"[^"]+"', lambda m: read(m[0]), fact.full),
                "right": tuple(r if "|" in r else read(r) for r in fact.right),
                "support": None if fact.support is None else tuple(map(read, fact.support)),
            }
        )
        for fact in page.facts
    ]
    if merged:
        facts = [f for f in facts if " | " not in f.value + "".join(f.support or ())]
    about = tuple((read(text), tuple(map(read, rest))) for text, rest in page.about)
    changed = {"rows": tuple(rows or page.rows[:1]), "facts": tuple(facts), "about": about}
    return Page(**{**vars(page), **changed, "title": read(page.title)})


def _misread(d: Draw, word: str) -> str:
    places = [i for i, c in enumerate(word) if c in ALIKE]
    if not places:
        return word
    i = d.pick(places)
    return word[:i] + (ALIKE[word[i]] if d.chance(0.8) else "") + word[i + 1 :]


def page_findings(d: Draw, page: Page) -> Findings:
    """Lays the rows out from top to bottom and adds what the other experts make of a page."""
    unit = min(0.03, 0.8 / max(sum(row.size for row in page.rows), 1) / 1.5)
    y, lines = 0.06, []
    for row in page.rows:
        height = unit * row.size
        box = (0.1, y, min(0.1 + len(row.text) * unit * 0.5, 0.95), y + height)
        lines.append(Line(row.text, round(d.between(0.85, 1.0), 2), box, height))
        y += height * 1.5
    kinds: tuple[Kind, ...] = ()
    if d.chance(0.5):
        taken_for = SIGNS if page.is_sign else PAPER
        kinds = (Kind(d.pick(taken_for), round(d.between(0.12, 0.9), 2)),)
    things = page.things
    if not things and page.is_sign and d.chance(0.25):  # what stands in the street beside it
        names = ("car", "person", "truck", "bicycle", "person", "bench")
        for name in d.some(names, 1, 2):
            x, score = d.between(0.0, 0.8), d.between(0.5, 0.8) if d.chance(0.7) else 0.42
            side: Box = (round(x, 2), 0.75, round(x + 0.12, 2), 0.99)
            things += (Thing(name, round(score, 2), side, d.pick(COLORS)),)
    if not things and d.chance(0.12):
        box = (0.1, 0.1, 0.9, 0.9)
        things = (Thing(d.pick(STRAY), 0.41, box, "white"),)
    color = (
        d.pick(COLORS) if page.is_sign else d.pick(("white", "white", "white", "gray", "yellow"))
    )
    middle = things[0].color if things else color
    blurred = d.chance(0.02)
    return Findings(kinds, things, tuple(lines), color, middle, blurred)


def fact_exchange(d: Draw, read: ReadPage, fact: Fact, about: str = "") -> Exchange | None:
    """The fact if it was read, else that it was not found; None where neither can be stated."""
    question = d.ask(PAGES, about or fact.about, **fact.slots)
    support = (fact.value,) if fact.support is None else fact.support
    if read.holds(support):
        answer = d.say(fact.short.format(v=fact.value), fact.full.format(v=fact.value))
        answer = re.sub(r"\.\.$", ".", answer)
        if fact.about in ("subject", "needs"):
            answer = answer[:1].upper() + answer[1:]
        right = fact.right or (exactly(fact.value),)
        return Exchange(fact.kind, question, answer, right, fact.wrong, support=support)
    if fact.about not in MISSING and fact.about not in ("price", "departs", "cell", "bar", "field"):
        return None
    return not_found(d, question, fact.about, fact.missing or _item(fact))


def _item(fact: Fact) -> str:
    """What was asked for, as the page would name it."""
    return next((fact.slots[k] for k in ("to", "row", "field", "x") if k in fact.slots), "")


def not_found(d: Draw, question: str, about: str, item: str = "") -> Exchange:
    what = MISSING.get(about) or (f'"{item}"' if item else "that")
    answer = d.pick(
        (
            f"I can't find {what} in the text.",
            f"I can't find {what} in the text I read.",
            f"I don't see {what} in the text.",
            f"I can't tell; the text doesn't give {what}." if what != "that" else "I can't tell.",
        )
    )
    return Exchange("unanswerable", question, answer, (), (), True)


def number_in_words(number: int) -> str:
    """ "first", "second" up to "sixth"."""
    return ("first", "second", "third", "fourth", "fifth", "sixth")[number - 1]
