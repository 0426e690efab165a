"""Questions and right answers from the tables and from arithmetic; no model is needed."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from data.prepare.general import code, facts, languages, wording

HELD_PART = 5  # one of so many words is kept for scoring
NUM_SUMS = 500

T = TypeVar("T")
Question = tuple[str, str]


def questions(seed: int = 0, held: bool = False) -> list[Question]:
    """(question, answer) of all tables, shuffled; `held` gives those that training never sees."""
    rng = random.Random(f"general {seed} {held}")
    made = [pair for maker in MAKERS for pair in maker(rng, held)]
    made = list(dict.fromkeys(made))
    rng.shuffle(made)
    return made


def _own(items: Sequence[T], held: bool) -> list[T]:
    return [x for i, x in enumerate(items) if (i % HELD_PART == HELD_PART - 1) == held]


def _asked(rng: random.Random, question: str) -> str:
    """Returns the question as somebody types it."""
    if rng.random() < 0.2:
        question = question[:1].lower() + question[1:]
    return question.rstrip("?.") if rng.random() < 0.12 else question


def _capitals(rng: random.Random, held: bool) -> Iterator[Question]:
    for country, capital, language, continent in _own(list(facts.COUNTRIES), held):
        name = f"the {country}" if country in facts.WITH_THE else country
        for form in rng.sample(facts.CAPITAL_QUESTIONS, 2 if held else 4):
            answer = rng.choice(facts.CAPITAL_ANSWERS).format(c=capital, x=name)
            answer = (answer[:1].upper() + answer[1:]).replace("D.C..", "D.C.")
            yield _asked(rng, form.format(name)), answer
        yield _asked(rng, f"What language do people speak in {name}?"), f"Mainly {language}."
        yield _asked(rng, f"On which continent is {name}?"), f"{continent}."
        if capital != country and " City" not in capital:
            where = f"In {name}."
            yield _asked(rng, f"In which country is {capital.rstrip('.')}?"), where
    for forms, answer, text in facts.FOREIGN_CAPITALS.values():
        for country, capital in _own(facts.pairs(text), held):
            for form in forms:
                yield (
                    form.format(country),
                    rng.choice((answer, "{c}.")).format(x=country, c=capital),
                )


def _facts(rng: random.Random, held: bool) -> Iterator[Question]:
    lines = [line.split("?: ") for line in facts.FACTS.strip().splitlines()]
    for question, answer in _own([(f"{q}?", a) for q, a in lines], held):
        yield question, answer
        if not held:
            forms = (f"Can you tell me: {question}", f"Quick question: {question}", question)
            yield _asked(rng, rng.choice(forms)), answer
    for text, verb, maker in (
        (facts.AUTHORS, "wrote", "author"),
        (facts.PAINTERS, "painted", "painter"),
        (facts.COMPOSERS, "composed", "composer"),
    ):
        for work, who in _own(facts.pairs(text), held):
            yield _asked(rng, f"Who {verb} {work}?"), f"{who}."
            yield _asked(rng, f"Who is the {maker} of {work}?"), f"{who} {verb} {work}."
            yield _asked(rng, f"{work[:1].upper() + work[1:]} is by whom?"), f"By {who}."
    for thing, who in _own(facts.pairs(facts.MAKERS), held):
        yield _asked(rng, f"Who gave us {thing}?"), f"{who}."
        yield _asked(rng, f"Whose name stands for {thing}?"), f"{who}."


def _languages(rng: random.Random, held: bool) -> Iterator[Question]:
    for line in languages.SMALL_TALK.strip().splitlines():
        _, said, answers = (part.strip() for part in line.split(" | "))
        for text in said.split("; "):
            for answer in answers.split("; ") if not held else ():
                yield text, answer
                yield text.rstrip("!."), answer
    rows = [line.split(": ") for line in languages.WORDS.strip().splitlines()]
    for word, foreign in _own([(w, f) for w, f in rows], held):
        for language, other in zip(languages.LANGUAGES, foreign.split(", "), strict=True):
            form = rng.choice(languages.TO_LANGUAGE)
            answer = rng.choice((f"{other[:1].upper() + other[1:]}.", f'"{other}".'))
            yield _asked(rng, form.format(w=word, l=language)), answer
            if rng.random() < 0.5:
                form = rng.choice(languages.TO_ENGLISH)
                meaning = rng.choice((f'It means "{word}".', f"{word[:1].upper() + word[1:]}."))
                if foreign.split(", ").count(other) == 1:
                    yield _asked(rng, form.format(f=other, l=language)), meaning


def _sums(rng: random.Random, held: bool) -> Iterator[Question]:
    """Small arithmetic; sums whose numbers add up to a multiple of five are kept for scoring."""
    made = 0
    while made < (60 if held else NUM_SUMS):
        a, b, sign, words, result = _operation(rng)
        if ((a + b) % HELD_PART == 0) == held:
            made += 1
            yield _sum(rng, a, b, sign, words, result)


def _operation(rng: random.Random) -> tuple[int, int, str, str, int]:
    a, b = rng.randint(2, 99), rng.randint(2, 60)
    small, other = rng.randint(2, 12), rng.randint(2, 12)
    return rng.choice(
        (
            (a, b, "+", "plus", a + b),
            (a, b, "+", "plus", a + b),
            (max(a, b), min(a, b), "-", "minus", max(a, b) - min(a, b)),
            (small, other, rng.choice("*x\u00d7"), "times", small * other),
            (small * other, other, rng.choice("/:\u00f7"), "divided by", small),
        )
    )


def _sum(rng: random.Random, a: int, b: int, sign: str, words: str, result: int) -> Question:
    form = rng.choice(
        (
            f"What is {a} {sign} {b}?",
            f"{a} {sign} {b} = ?",
            f"How much is {a} {words} {b}?",
            f"Calculate {a} {sign} {b}.",
            f"what's {a}{sign}{b}",
            f"{a} {words} {b}?",
        )
    )
    return form, rng.choice((f"{result}.", f"{a} {sign} {b} = {result}.", str(result)))


def _code(rng: random.Random, held: bool) -> Iterator[Question]:
    for task in _own(list(code.TASKS), held):
        for name, program in zip(code.NAMES, code.TASKS[task], strict=True):
            is_function = "print" not in task
            forms = code.ASKED if is_function else code.ASKED[2:3] + code.ASKED[5:]
            for form in rng.sample(forms, 1 if held else min(4, len(forms))):
                yield (
                    form.format(l=name, t=task),
                    f"```{name.lower()}\n{program}\n```",
                )


def _wording(rng: random.Random, held: bool) -> Iterator[Question]:
    for text, forms in (
        (wording.OPPOSITES, ("What is the opposite of {}?", "Give me the opposite of '{}'.")),
        (wording.SYNONYMS, ("What is another word for {}?", "Give me a synonym for '{}'.")),
        (wording.PLURALS, ("What is the plural of {}?", "Plural of '{}'?")),
        (wording.PAST, ("What is the past tense of {}?", "Past tense of '{}'?")),
        (wording.SPELLING, ("How do you spell '{}' correctly?", "Correct the spelling: {}")),
        (wording.RHYMES, ("What rhymes with {}?", "Give me a word that rhymes with {}.")),
    ):
        for word, answer in _own(facts.pairs(text), held):
            for form in forms:
                shown = f"{answer[:1].upper() + answer[1:]}."
                yield _asked(rng, form.format(word)), shown
    for text, forms in (
        (wording.RIGHT, ("Fix the grammar: {}", "Correct this sentence: {}")),
        (wording.POLITE, ("Rewrite this more politely: {}", "Say this politely: {}")),
        (wording.SHORTER, ("Make this sentence shorter: {}", "Shorten this: {}")),
    ):
        lines = [_divided(line) for line in text.strip().splitlines()]
        for sentence, answer in _own(lines, held):
            for form in forms:
                yield form.format(sentence), answer
    for line in wording.SAID.strip().splitlines() if not held else ():
        said, answer = line.split(": ", 1)
        for one in said.split("; "):
            yield one, answer
    for line in wording.LISTS.strip().splitlines() if not held else ():
        question, answer = _divided(line)
        yield _asked(rng, question), answer


def _divided(line: str) -> tuple[str, str]:
    """ "A sentence.: Another one." -> its two sides."""
    for mark in (".: ", "?: "):
        if mark in line:
            first, second = line.split(mark, 1)
            return f"{first}{mark[0]}", second
    raise AssertionError(f"a line of the tables is not divided: {line}")


MAKERS: tuple[Callable[[random.Random, bool], Iterator[Question]], ...] = (
    *(_capitals, _facts, _languages, _sums, _code, _wording),
)
