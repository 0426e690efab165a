"""A question about findings, its answer, and how another answer to it is graded."""

import re
from dataclasses import dataclass
from typing import Literal

Grade = Literal["right", "honest", "wrong"]

YES = r"^(yes|yeah|yep)\b"
NO = (
    r"^no\b|\b(there|it|they) (is|are|was|were|does|do)(n't| not| no)\b|there('s| is| are) no\b"
    r"|(don't|do not|can't|cannot) (see|find)\b|^(not|none|nothing|zero|0)\b"
)
HONEST = (
    r"(can't|cannot|can not|couldn't|unable to|not able to|hard to|not possible to) (be |really )?"
    r"(tell|see|say|read|make out|identify|recognize|know|find|judge|hear|predict|name|access|send"
    r"|confirm|give|answer|sure)"
    r"|don't (know|identify|see|find|have|recognize|keep|remember)|do not (know|see|find)"
    r"|not sure|unsure|unclear|too (blurred|dark|small)|(is|are)n't (shown|stated|visible|given)"
    r"|(does|do)(n't| not) (say|show|state|give|mention)|clear enough"
    r"|no (picture|image|file|text)\b|isn't clear"
)
NUMBERS = (
    "zero",
    *[
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ],
)


@dataclass(frozen=True)
class Exchange:
    """One question and its answer.

    `right` and `wrong` are regular expressions: an answer is right if one of `right` is found in it
    and none of `wrong`. `honest` marks questions whose right answer is that it cannot be told.
    """

    kind: str  # such as "count"
    question: str
    answer: str
    right: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    honest: bool = False
    support: tuple[str, ...] = ()  # what must stand in the findings for the answer to hold


@dataclass(frozen=True)
class Turn:
    """A message of the user and its answer; `files` are the findings of each file, in words."""

    exchange: Exchange
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """A conversation."""

    world: str  # such as "receipt"
    turns: tuple[Turn, ...]


def grade(answer: str, exchange: Exchange) -> Grade:
    """Grades an answer; that something cannot be told is right where the exchange is honest."""
    text = " ".join(answer.replace("\u2019", "'").split())
    wrong = any(re.search(p, text, re.IGNORECASE) for p in exchange.wrong)
    if not wrong and any(re.search(p, text, re.IGNORECASE) for p in exchange.right):
        return "right"
    if re.search(HONEST, text, re.IGNORECASE):
        return "right" if exchange.honest and not wrong else "honest"
    return "wrong"


def number_pattern(number: int) -> str:
    """Matches a number as digits or as a word."""
    word = f"|{NUMBERS[number]}" if number < len(NUMBERS) else ""
    single = r"|^an? |a single|\b(see|is) an? " if number == 1 else ""
    return rf"\b({number}{word})\b(?![.,:/]\d){single}"


def exactly(text: str) -> str:
    """Matches a text as it stands, whatever its case, spaces and quotation marks."""
    return r"\s*".join(re.escape(word) for word in text.split())
