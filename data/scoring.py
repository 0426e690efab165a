"""Scores short free-form answers by rules that listing every possibility cannot pass.

Only the first sentence counts. If the accepted answer is a color, a number, a place or yes/no, the
first such word of the sentence decides, together with the words joined to it: "red or blue" is not
"red". Any other answer must contain an accepted phrase as whole words near the start, in a sentence
that does not enumerate, before any phrase of `wrong`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

from data.records import Record

Verdict = Literal["right", "near", "wrong"]

_words = str.split
NUMBERS = _words("zero one two three four five six seven eight nine ten eleven twelve")
COLORS = _words("red orange yellow green blue purple black white grey pink brown")
PLACES = _words("top bottom left right middle up down above below")
# Spelling variants and synonyms, applied word by word.
SAME = {
    **{word: str(value) for value, word in enumerate(NUMBERS)},
    **{"none": "0", "gray": "grey", "violet": "purple", "golden": "yellow"},
    **{"upper": "top", "lower": "bottom", "centre": "middle", "center": "middle"},
    **{"upwards": "up", "upward": "up", "downwards": "down", "downward": "down"},
    **{"leftwards": "left", "leftward": "left", "rightwards": "right", "rightward": "right"},
    **{"over": "above", "under": "below", "underneath": "below", "beneath": "below"},
    **{"yeah": "yes", "yep": "yes", "nope": "no", "picture": "image", "photo": "image"},
}
ARTICLES = {"a", "an", "the"}
# Words allowed between two words of one statement: "at the top, on the left".
JOINING = {"and", "or", "of", "on", "at", "to", "in", "side", "corner", "hand", "then"}
FIRST_WORDS = 12  # a phrase must start within this many words


def normalize(text: str) -> list[str]:
    """Splits a text into words without case, articles, punctuation and spelling variants."""
    text = text.lower().replace("’", "'").replace("cannot", "can not").replace("can't", "can not")
    text = re.sub(r"n't\b", " not", text).replace("'", "")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)  # 4,821 -> 4821
    text = re.sub(r"(?<=\d),(?=\d{2}\b)", ".", text)  # 12,40 -> 12.40
    words = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", text)
    return [SAME.get(word, word) for word in words if word not in ARTICLES]


def first_sentence(text: str) -> str:
    """Cuts a text after its first sentence or line."""
    return re.split(r"(?<=[.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)\s|\n", text.strip(), maxsplit=1)[0]


def is_right(
    answer: str, accept: Sequence[str], near: Sequence[str] = (), wrong: Sequence[str] = ()
) -> Verdict:
    """Judges an answer against accepted, nearly right and wrong phrases."""
    sentence = first_sentence(answer)
    words = normalize(sentence)
    rejected = [_position(words, normalize(phrase)) for phrase in wrong]
    limit = min((start for start in rejected if start is not None), default=len(words) + 1)
    verdicts: tuple[tuple[Verdict, Sequence[str]], ...] = (("right", accept), ("near", near))
    for verdict, phrases in verdicts:
        if any(_matches(sentence, words, normalize(phrase), limit) for phrase in phrases):
            return verdict
    return "wrong"


def judge(record: Record, answer: str, turn: int = 0) -> Verdict:
    """Judges the answer to turn `turn` of a record by the phrases stored in the record."""
    if turn >= len(record.accept):
        raise ValueError(f"record {record.id} has no accepted answers for turn {turn}.")
    near = record.near[turn] if record.near else ()
    wrong = record.wrong[turn] if record.wrong else ()
    return is_right(answer, record.accept[turn], near, wrong)


def _matches(sentence: str, words: list[str], phrase: list[str], limit: int) -> bool:
    for family in (_is_color, _is_yes_or_no, _is_number, _is_place):
        if all(family(word) for word in phrase):
            return _first_run(words, family) == _without_middle(phrase)
    start = _position(words, phrase)
    # A sentence that enumerates many items could match anything.
    items = len(re.split(r",| and | or ", sentence))
    enumerates = items > 3 + phrase.count("then")
    return start is not None and start < min(limit, FIRST_WORDS) and not enumerates


def _position(words: list[str], phrase: list[str]) -> int | None:
    """Index of the phrase as whole words (a plural matches its singular), None if missing."""
    size = len(phrase)
    for start in range(len(words) - size + 1):
        window = words[start : start + size]
        if all(_same_word(*pair) for pair in zip(window, phrase, strict=True)):
            return start
    return None


def _same_word(word: str, wanted: str) -> bool:
    return word == wanted or word in (wanted + "s", wanted + "es")


def _first_run(words: list[str], family: Callable[[str], bool]) -> list[str]:
    run: list[str] = []
    for word in words:
        if family(word):
            # "no" is zero only when counting.
            run.append("0" if family is _is_number and word == "no" else word)
        elif run and word not in JOINING:
            break
    return _without_middle(run)


def _without_middle(run: list[str]) -> list[str]:
    """Drops "middle" next to another place: the top middle is the top."""
    rest = [word for word in run if word != "middle"]
    return rest or run[:1]


def _is_color(word: str) -> bool:
    return word in COLORS


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word == "no"


def _is_place(word: str) -> bool:
    return word in PLACES


def _is_yes_or_no(word: str) -> bool:
    return word in ("yes", "no")
