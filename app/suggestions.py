"""Questions to go on with, of the kind that the model can answer about what it just saw.

Each follows a finding that an expert is sure of. Without one there is none: a question about a word
that the reader imagined, or about one of five cars, would only be answered with a guess.
"""

import re
from collections import Counter
from collections.abc import Sequence

from app.frame_strip import Strip
from app.turns import Chat
from vlm.experts.detection.coco import GROUP_OF_NAME
from vlm.experts.findings import UNNAMED, Findings, Kind, Line, Thing
from vlm.experts.words import activity_in, place_in

MOST = 3
SURE = 0.6  # score of a thing; 98 % of these are right (`vlm.experts.agreement`)
READABLE = 0.9  # confidence of a line of text; what the reader imagines is below
LETTERS = 4  # of all such lines
LARGE = 0.01  # of the frame's area, for a color to be seen
_COMMON = frozenset(("the", "a", "an", "is", "are", "there", "does", "do", "in", "of", "it"))
LASTING = 4  # a finding of a film is in one of so many frames


def suggestions(chat: Chat) -> list[str]:
    """Returns a few questions about the files of the last turn that has some.

    They follow what the experts found there: print, people, things, what is done, the place.
    Without experts they are about the whole. What was asked in this chat already is left out.
    """
    strips = next((turn.strips for turn in reversed(chat.turns) if turn.strips), ())
    asked = [_telling(turn.question) for turn in chat.turns]
    if any(strip.findings or strip.words for strip in strips):  # after a restart, words alone
        found = list(dict.fromkeys(question for strip in strips for question in _from(strip)))
    else:
        found = [] if not strips else _about(any(strip.kind == "video" for strip in strips))
    return [one for one in found if not any(_telling(one) <= words for words in asked)][:MOST]


def _from(strip: Strip) -> list[str]:
    """Returns the questions that the findings of one file answer."""
    frames = strip.findings
    least = max(len(frames) // LASTING, 1)
    questions: Counter[str] = Counter()
    for found in frames:
        questions.update(_of_frame(found))
    lasting = [question for question, count in questions.items() if count >= least]
    return sorted(lasting, key=_rank)


_TEXT, _PEOPLE = "What does the text say?", "How many people are there?"
_DOING, _PLACE = "What is being done?", "What kind of place is it?"
_FIRST = (_TEXT, _PEOPLE, _DOING)  # then colors, then the place


def _rank(question: str) -> int:
    return _FIRST.index(question) if question in _FIRST else len(_FIRST) + (question == _PLACE)


def _of_frame(found: Findings) -> list[str]:
    questions = [_TEXT] if _is_readable(found.lines or ()) else []
    sure = [thing for thing in found.things or () if thing.score >= SURE]
    names = Counter(thing.name for thing in found.things or ())
    if any(thing.name == "person" for thing in sure):
        questions.append(_PEOPLE)
    colored = [
        thing
        for thing in sure
        if _has_a_color(thing) and names[thing.name] == 1 and _is_that(thing, found.kinds)
    ]
    for thing in sorted(colored, key=lambda thing: -thing.area)[:2]:
        questions.append(f"What color is the {thing.name}?")
    if (doing := activity_in(found)) is not None and doing.sure:
        questions.append(_DOING)
    if (place := place_in(found)) is not None and place.sure:
        questions.append(_PLACE)
    return questions


def _is_readable(lines: Sequence[Line]) -> bool:
    read = "".join(line.text for line in lines if line.confidence >= READABLE)
    return sum(sign.isalnum() for sign in read) >= LETTERS


def _has_a_color(thing: Thing) -> bool:
    return bool(thing.color) and thing.name not in ("person", UNNAMED) and thing.area >= LARGE


def _is_that(thing: Thing, kinds: Sequence[Kind] | None) -> bool:
    """Returns whether a thing is no squirrel that the detector, which knows none, called a cat."""
    if kinds is None or GROUP_OF_NAME.get(thing.name) != GROUP_OF_NAME["cat"]:
        return True
    return any(kind.name == thing.name for kind in kinds)


def _about(is_film: bool) -> list[str]:
    if is_film:
        return ["What happens first, and what last?", "Where does it take place?"]
    return ["Describe it in detail.", "What is in the background?"]


def _telling(question: str) -> set[str]:
    """Returns the words that tell questions apart: "How many people are in the film?" asks what
    "How many people are there?" does.
    """
    return set(re.findall(r"\w+", question.lower())) - _COMMON
