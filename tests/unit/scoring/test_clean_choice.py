"""Mode "clean": the letter that a human reader would infer, never the first of several."""

import itertools
import json
from pathlib import Path

import pytest

from evaluation.answers.clean import clean_choice

OPTIONS = ["Red socks", "A cat", "Dog", "Teddy bear"]

TABLE = Path(__file__).with_name("clean_answers.tsv")
ANSWERS = [
    (json.loads(text), None if letter == "-" else letter)
    for letter, _, text in (
        line.partition("\t")
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
]


@pytest.mark.parametrize(("text", "letter"), ANSWERS)
def test_the_letter_of_an_answer_is_read_if_there_is_one(text: str, letter: str | None) -> None:
    assert clean_choice(text, OPTIONS) == letter


def test_the_table_has_many_answers_of_both_kinds() -> None:
    unclear = [text for text, letter in ANSWERS if letter is None]
    assert min(len(unclear), len(ANSWERS) - len(unclear)) > 150


FORMS = ["{}", "({})", "**{}**", "{})", "option {}", '"{}"', "`{}`"]
STATEMENTS = [
    "{}",
    "The answer is {}",
    "The correct answer is {}",
    "Answer: {}",
    "I would choose {}",
    "Final answer: {}",
    "It is {}",
    "Based on the video, the best option is {}",
    "The man sits down. So the answer is {}",
]
CONJUNCTIONS = [
    " or ",
    " and ",
    "/",
    ", ",
    " or maybe ",
    " & ",
    ", or ",
    " as well as ",
    ", possibly ",
]
REASONS = [
    "",
    " because the animal is seen at the end",
    ". The animal is seen at the end.",
    ", because {other} is wrong",
    ". Option {other} is wrong.",
    ", not {other}",
    "; {other} is not shown",
    "\n\n{other} is incorrect because nobody wears one.",
]


@pytest.mark.parametrize(("form", "statement"), itertools.product(FORMS, STATEMENTS))
def test_one_letter_is_read_in_any_form_and_two_never(form: str, statement: str) -> None:
    for letter, other in itertools.permutations("ABCD", 2):
        for reason in REASONS:
            text = statement.format(form.format(letter)) + reason.format(other=form.format(other))
            assert clean_choice(text, OPTIONS) == letter, text
        for conjunction in CONJUNCTIONS:
            both = form.format(letter) + conjunction + form.format(other)
            assert clean_choice(statement.format(both), OPTIONS) is None, both
            if conjunction != ", ":
                text = statement.format(both) + " because of the animal."
                assert clean_choice(text, OPTIONS) is None, text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "denial",
    [
        "not {}",
        "The answer is not {}",
        "Answer: not {}",
        "It isn't {}",
        "{} is wrong",
        "{} is not the answer",
        "anything but {}",
        "I don't think it is {}",
        "neither {} nor the others",
        "We can rule out {}",
    ],
)
def test_a_denied_letter_is_no_answer(form: str, denial: str) -> None:
    for letter in "ABCD":
        assert clean_choice(denial.format(form.format(letter)), OPTIONS) is None


@pytest.mark.parametrize("noun", ["man", "dog outside", "large red ball", "person in a hat"])
@pytest.mark.parametrize("frame", ["A {}", "A {} is seen.", "Answer: a {}", "It shows a {}."])
def test_an_article_is_no_letter(noun: str, frame: str) -> None:
    assert clean_choice(frame.format(noun), ["one", "two", "three", "four"]) is None


def test_a_long_answer_is_read_quickly() -> None:
    for text in ("not the option a " * 1000, "A, " * 2000, "B could be also well even " * 500):
        clean_choice(text, OPTIONS)  # regular expressions could take forever


def test_a_letter_of_no_option_leaves_the_text_of_the_answer() -> None:
    assert clean_choice("D) yellow.", ["red", "blue", "yellow"]) == "C"
    assert clean_choice("The answer is E", ["red", "blue", "yellow"]) is None


def test_options_may_be_letters_or_contain_them() -> None:
    letters = ["root", "A", "B", "C"]
    assert clean_choice("C. B\nThe letter is B.", letters) == "C"
    assert clean_choice("B", letters) == "B"
    assert clean_choice("(D) C", letters) == "D"
    assert clean_choice("D. Vitamin C", ["water", "salt", "Vitamin A", "Vitamin C"]) == "D"
    assert clean_choice("Vitamin C", ["water", "salt", "Vitamin A", "Vitamin C"]) == "D"
    assert clean_choice("It is vitamin C.", ["water", "salt", "Vitamin A", "Vitamin C"]) == "D"
