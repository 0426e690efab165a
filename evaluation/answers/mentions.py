"""Where an answer mentions the letters of options, and what it claims about each.

    "C because A is wrong"     C leads, A is denied
    "The answer is B or C"     B and C are stated as one list
    "A man holds the cup (D)"  D is mentioned; this A is an article

A mention has the rank of its strongest claim. `evaluation.answers.clean` decides among them. The
cues are English; the usual ones of Chinese, Japanese, Korean, German, French, Spanish, Italian,
Portuguese and Russian are known as well.
"""

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evaluation.answers import cues

NEAR = 160  # characters around a letter in which its cues are


class Rank(enum.IntEnum):
    """How strongly an answer claims a letter."""

    DENIED = -2
    ASKED = -1  # in a question: "or is it B?"
    NAMED = 0  # somewhere in the text
    LEADS = 1  # begins a sentence: "B. ...", "(B)", "B because ..."
    STATED = 2  # "the answer is B", "B is correct"
    FINAL = 3  # "final answer: B", \boxed{B}


@dataclass(frozen=True)
class Mention:
    """One letter, or the letters of a list such as "B or C"."""

    letters: str
    start: int
    end: int  # behind a closing bracket
    rank: Rank = Rank.NAMED


def mentions(text: str, options: Sequence[str]) -> list[Mention]:
    """Returns the mentions in `text` in order, lists as one, without conditions and questions."""
    single = _without_own_text(text, list(_letters(text, len(options))), options)
    grouped = _lists(text, single, options)
    ranked = [
        replace(one, rank=_rank(text, one)) for one in grouped if not _is_condition(text, one)
    ]
    return _without_echo(text, ranked, options)


def are_rivals(text: str, chosen: Mention, other: Mention) -> bool:
    """True if a sentence calls another letter possible behind the chosen one: "B, C could be"."""
    between = text[chosen.end : other.start]
    if other.rank is Rank.DENIED or cues.SENTENCE_END.search(between):
        return False
    before, after = between[-NEAR:], text[other.end : other.end + NEAR]
    return bool(cues.RIVAL_BEFORE.search(before) or cues.RIVAL_AFTER.match(after))


def _letters(text: str, count: int) -> Iterator[Mention]:
    """Yields the letters that stand for an option; articles, names and units do not."""
    end = -1  # of the last letter
    for found in cues.LETTER.finditer(text):
        letter = found["letter"]
        before = text[max(0, found.start("letter") - NEAR) : found.start("letter")]
        after = text[found.end("letter") :]
        bracketed = bool(found["open"]) and bool(found["close"])
        if cues.NAME_BEFORE.search(text[max(0, found.start() - NEAR) : found.start()]):
            continue
        chained = end >= 0 and cues.CHAINED.fullmatch(text[end : found.start()])
        marked = chained or _is_marked(before, after, bracketed, found["close"])
        if letter.islower() and not marked:
            continue
        if not bracketed and letter in "Aa" and cues.ARTICLE.match(after):
            continue
        if letter == "I" and count < 9:  # the pronoun
            continue
        beyond = letter.isupper() and ord(letter) - ord("A") >= max(count, 5)
        if beyond and not bracketed and not cues.STATED_BEFORE.search(before):
            continue
        end = found.end()
        yield Mention(letter.upper(), found.start(), end)


def _own_text(text: str, one: Mention, options: Sequence[str]) -> int:
    """Returns the end of the option's text if it follows its letter, else that of the letter."""
    number = ord(one.letters[-1]) - ord("A")
    option = options[number].strip() if number < len(options) else ""
    found = re.compile(rf"[\s.:)\]-]+{re.escape(option)}(?!\w)", re.IGNORECASE)
    follows = found.match(text, one.end) if option else None
    return follows.end() if follows else one.end


def _without_own_text(
    text: str, single: Sequence[Mention], options: Sequence[str]
) -> list[Mention]:
    """Drops letters inside the text of an option that follows its letter: "C. vitamin B"."""
    kept: list[Mention] = []
    end = 0
    for one in single:
        if one.start >= end:
            kept.append(one)
            end = _own_text(text, one, options)
    return kept


def _is_marked(before: str, after: str, bracketed: bool, closed: str) -> bool:
    """True if a lower-case letter is marked as one of an option."""
    alone = not before.strip() and (closed or not after.strip() or cues.BEGINS.match(after))
    line = re.search(r"(?:^|\n)\s*$", before) and (closed or re.match(r"[.:]?\s*(?:\n|$)", after))
    labeled = cues.LABEL_BEFORE.search(before) or cues.STATED_BEFORE.search(before)
    return bool(bracketed or alone or line or labeled or cues.STATED_AFTER.match(after))


def _lists(text: str, single: Sequence[Mention], options: Sequence[str]) -> list[Mention]:
    """Joins mentions with nothing but conjunctions, commas or spaces in between."""
    joined: list[Mention] = []
    for one in single:
        if joined and _is_joined(text, joined[-1], one, options):
            last = joined[-1]
            joined[-1] = Mention(last.letters + one.letters, last.start, one.end)
        else:
            joined.append(one)
    return joined


def _is_joined(text: str, first: Mention, second: Mention, options: Sequence[str]) -> bool:
    between = text[first.end : second.start]
    explained = text[_own_text(text, first, options) : second.start]
    explained = re.sub(r"\([^()]*\)", " ", explained)
    if explained != between and re.search(r"[,/&;]|\w", explained):
        between = explained  # "A (red) or B", "A. red, B. blue"
    if "\n" in between and not re.search(r"\w", between):  # lines of their own
        return False
    if len(between) > NEAR or not cues.JOINT.fullmatch(between):
        return False
    # "C, A is wrong" and "B. C is a dog" are a letter and a sentence; "A, B are wrong" is a list.
    after = text[second.end :]
    if re.fullmatch(r"\s*,\s*and\s+(?:option\s+)?", between, re.IGNORECASE):
        return not (cues.SINGULAR.match(after) and cues.DENIED_AFTER.match(after))
    opened = text[second.start] in "([{" and text[second.end - 1] not in ")]}"
    marked = re.fullmatch(r"\s*[,.;:\n–—-]+\s*(?:option\s+)?", between, re.IGNORECASE)
    return not ((opened or marked) and cues.SINGULAR.match(after))


def _sentence_start(text: str, one: Mention) -> int:
    return max((found.end() for found in cues.SENTENCE_END.finditer(text[: one.start])), default=0)


def _rank(text: str, one: Mention) -> Rank:
    start = max(_sentence_start(text, one), one.start - NEAR)
    before, after = text[start : one.start], text[one.end : one.end + NEAR]
    sentence = re.match(r"[^.!?\n。！？]*\?", after)
    whole = before.rstrip().endswith(":") or not text[: one.start].strip()
    if sentence and not (whole and not text[one.end :].strip("?!. ")):
        return Rank.ASKED
    after = re.split(cues.SENTENCE_END, after, maxsplit=1)[0]
    if cues.DENIED_BEFORE.search(before) or cues.DENIED_AFTER.match(after):
        return Rank.DENIED
    if cues.FINAL_BEFORE.search(before):
        return Rank.FINAL
    if cues.STATED_BEFORE.search(before) or cues.STATED_AFTER.match(after):
        return Rank.STATED
    marked = text[one.end - 1 : one.end + NEAR]
    if cues.NOTHING_BEFORE.fullmatch(before) and cues.DELIMITER.match(marked):
        return Rank.LEADS
    if cues.LISTED_BEFORE.search(before) and cues.LISTED_AFTER.match(marked):
        return Rank.LEADS
    return Rank.NAMED


def _is_condition(text: str, one: Mention) -> bool:
    """True for a letter in or under a condition: "if it is B", "B if it rains"."""
    before = text[_sentence_start(text, one) : one.start][-NEAR:]
    return bool(cues.CONDITION.search(before) or cues.CONDITION_AFTER.match(text[one.end :]))


def _without_echo(text: str, found: Sequence[Mention], options: Sequence[str]) -> list[Mention]:
    """Drops a repetition of the options: letters with their own text behind, two or more."""

    def echoes(one: Mention) -> bool:
        if len(one.letters) > 1 or one.rank not in (Rank.NAMED, Rank.LEADS):
            return False
        return _own_text(text, one, options) > one.end

    repeated = {one.letters for one in found if echoes(one)}
    return [one for one in found if len(repeated) < 2 or not echoes(one)]
