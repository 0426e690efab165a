"""The source of randomness of one example: seeded choices, wording, and how people type."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

FULL = 0.25  # of answers are full sentences
LOWER, BARE, POLITE = 0.22, 0.2, 0.08  # questions without capitals; without a mark; with a please
ARTICLE, TYPO = 0.04, 0.03  # words dropped, words misspelled
HELD_PART = 5  # one of so many names is kept for scoring
PICTURES = ("picture", "picture", "picture", "photo", "photo", "image", "pic")
BEFORE = (
    *("Please tell me: ", "Can you tell me: ", "Hi! ", "Hello, ", "Hey, ", "ok. ", "Quick one: "),
    *("Excuse me, ", "Sorry, ", "Could you tell me, "),
)
AFTER = (" Thanks!", " please", ", please?", " Thank you.", " thx", " Just curious.")
BRITISH = (
    ("color", "colour"),
    ("gray", "grey"),
    ("ummarize", "ummarise"),
    ("ecognize", "ecognise"),
)
ASKING = ("What", "Which", "Where", "Who", "How", "When", "Is", "Are", "Does", "Do", "Can")
KEPT_OUT = Path(__file__).with_name("kept_out.txt")

Wording = Mapping[bool, Mapping[str, tuple[str, ...]]]


def read_wording(table: str) -> dict[bool, dict[str, tuple[str, ...]]]:
    """Parses a table: False (training) or True (scoring) -> question -> phrasings.

    A line without indentation is the key of the phrasings below it, and scoring alone sees those
    with a star. "[a|b]" stands for either, "[a|]" for a or nothing.
    """
    questions: dict[bool, dict[str, tuple[str, ...]]] = {False: {}, True: {}}
    key = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            key = line.strip()
            continue
        held = line.strip().startswith("* ")
        phrase = line.strip().removeprefix("* ")
        questions[held][key] = (*questions[held].get(key, ()), phrase)
    for name, phrases in questions[False].items():
        questions[True].setdefault(name, phrases)
    return questions


class Draw:
    """All random choices of one example; `held` draws from what training never sees."""

    def __init__(self, seed: str, held: bool = False) -> None:
        self.random = random.Random(seed)
        self.held = held

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[self.random.randrange(len(options))]

    def some(self, options: Sequence[T], low: int, high: int) -> list[T]:
        """From `low` to `high` different options."""
        return self.random.sample(list(options), min(self.random.randint(low, high), len(options)))

    def whole(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def between(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def name(self, pool: Sequence[T]) -> T:
        """An entry of a list, of which every fifth is kept for scoring."""
        own = [x for i, x in enumerate(pool) if (i % HELD_PART == HELD_PART - 1) == self.held]
        return self.pick(own or pool)

    def names(self, pool: Sequence[T], low: int, high: int) -> list[T]:
        own = [x for i, x in enumerate(pool) if (i % HELD_PART == HELD_PART - 1) == self.held]
        return self.some(own if len(own) >= low else pool, low, high)

    def say(self, short: str, full: str) -> str:
        """A short answer or a full one."""
        return full if self.chance(FULL) else short

    def ask(self, wording: Wording, question: str, **words: object) -> str:
        """A phrasing of a question as somebody types it."""
        while True:
            phrase = self.expand(self.pick(wording[self.held][question]))
            for _ in range(3):
                typed = self.typed(phrase.format(pic=self.pick(PICTURES), **words))
                if not kept_out(typed):
                    return typed

    def expand(self, phrase: str) -> str:
        """Chooses one of each "[a|b]"."""
        while match := re.search(r"\[([^\[\]]*)\]", phrase):
            choice = self.pick(match[1].split("|"))
            phrase = phrase[: match.start()] + choice + phrase[match.end() :]
        return " ".join(phrase.split()).replace(" ?", "?").replace(" .", ".")

    def typed(self, text: str) -> str:
        """Applies British spelling, politeness, haste and typing errors."""
        text = text[:1].upper() + text[1:]
        if self.chance(0.5):
            for american, british in BRITISH:
                text = text.replace(american, british)
        asks = text.endswith("?") and text.split()[0].strip("'s") in ASKING
        if self.chance(POLITE) and "." not in text:
            if asks:
                text = self.pick(BEFORE) + text[:1].lower() + text[1:]
            else:
                text = (text if text[-1] in "?.!" else text + ".") + self.pick(AFTER)
                text = re.sub(r"\?(,| please)", r"\1", text)
        if self.chance(LOWER):
            text = text[:1].lower() + text[1:] if self.chance(0.5) else text.lower()
        if self.chance(BARE):
            text = text.rstrip("?.")
        words = text.split(" ")
        words = [w for w in words if w not in ("the", "a", "an") or not self.chance(ARTICLE)]
        return " ".join(self._typo(w) if self.chance(TYPO) else w for w in words)

    def _typo(self, word: str) -> str:
        """Swaps, drops or doubles a letter inside a plain word."""
        if len(word) < 4 or not word.isalpha() or not word.islower():
            return word
        i = self.whole(1, len(word) - 2)
        forms = (
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
        )
        return self.pick(forms)


def kept_out(question: str) -> bool:
    """Whether a question occurs in a set that is for scoring only."""
    return question_hash(question) in _kept_hashes()


def question_hash(question: str) -> str:
    """Longer questions are compared without case and punctuation, short ones as they stand."""
    words = re.findall(r"\w+", question.casefold())
    text = " ".join(words) if len(words) > 4 else question.strip()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _kept_hashes() -> frozenset[str]:
    return frozenset(KEPT_OUT.read_text(encoding="utf-8").split())
