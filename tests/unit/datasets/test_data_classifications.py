"""Image-free records: well-formed, balanced, true to their confidence, right when scored."""

from collections import Counter
from typing import Any

import pytest

from data.scoring import is_right
from data.synthetic.classifications import UNSURE, classification_records
from data.synthetic.language.classification_phrases import QUESTIONS
from data.synthetic.language.imagenet_names import (
    NUM_CLASSES,
    family_phrase,
    imagenet_classes,
    short_description,
    with_article,
)

Record = dict[str, Any]


@pytest.fixture(scope="module")
def instruct() -> list[Record]:
    return list(classification_records(3000, 3, "instruct"))


def _part(record: Record) -> dict[str, Any]:
    return record["messages"][0]["content"][0]


def _exchanges(record: Record) -> list[tuple[str, str]]:
    texts = [message["content"][-1]["text"] for message in record["messages"]]
    return list(zip(texts[::2], texts[1::2], strict=True))


def test_every_class_has_a_short_plain_name() -> None:
    assert len(imagenet_classes()) == NUM_CLASSES
    for kind in imagenet_classes():
        assert kind.name
        assert not set(kind.name) & set("()/_")
        assert len(kind.name.split()) <= 4, kind.name
        assert kind.name in kind.phrase


def test_known_classes_have_the_right_names() -> None:
    tabby, espresso, jeans, globe = (imagenet_classes()[index] for index in (281, 967, 608, 8))
    assert (tabby.name, tabby.phrase, tabby.family) == ("tabby cat", "a tabby cat", "cat")
    assert tabby.is_animal
    assert espresso.phrase == "an espresso"
    assert jeans.phrase == "a pair of jeans"
    assert (globe.name, globe.family) == ("hen", "bird")


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("hourglass", "an hourglass"),
        ("unicycle", "a unicycle"),
        ("umbrella", "an umbrella"),
        ("European polecat", "a European polecat"),
        ("upright piano", "an upright piano"),
        ("hen", "a hen"),
        ("ox", "an ox"),
    ],
)
def test_articles_follow_the_sound(name: str, phrase: str) -> None:
    assert with_article(name) == phrase


def test_uncountable_families_take_some() -> None:
    assert family_phrase("food") == "some food"
    assert family_phrase("insect") == "an insect"


def test_descriptions_are_one_short_sentence() -> None:
    described = [kind.description for kind in imagenet_classes() if kind.description]
    assert len(described) > 850
    for description in described:
        assert description.startswith("It ")
        assert description.endswith(".")
        assert len(description.split()) <= 32, description


def test_a_long_description_is_cut_at_the_end_of_a_clause() -> None:
    text = "A small bird with a red head, a short thick bill, long legs, often seen in pairs " + (
        "near rivers and ponds in the north, where it feeds on seeds. It sings."
    )
    assert short_description(text, max_words=16) == (
        "It is a small bird with a red head, a short thick bill, long legs."
    )
    assert short_description("No description available.") == ""


def test_the_seed_determines_the_records() -> None:
    first = list(classification_records(50, 1, "instruct"))
    assert first == list(classification_records(50, 1, "instruct"))
    assert first != list(classification_records(50, 2, "instruct"))


@pytest.mark.parametrize("stage", ["pretrain", "instruct"])
def test_a_thousand_records_contain_every_class_once(stage: Any) -> None:
    counts = Counter(_part(record)["class"] for record in classification_records(1000, 0, stage))
    assert set(counts.values()) == {1}
    assert len(counts) == NUM_CLASSES


def test_only_the_first_user_turn_has_the_classification(instruct: list[Record]) -> None:
    for record in instruct:
        parts = [part for message in record["messages"] for part in message["content"]]
        assert [part["type"] for part in parts].count("concept") == 1
        assert _part(record)["type"] == "concept"
        assert 0 < _part(record)["confidence"] < 1
        assert [m["role"] for m in record["messages"][:2]] == ["user", "assistant"]
        turns = len(record["messages"]) // 2
        assert len(record["accept"]) == len(record["near"]) == turns
        assert 1 <= turns <= 3


def test_answers_are_right_by_the_scoring_rules(instruct: list[Record]) -> None:
    for record in instruct:
        for (question, answer), accept in zip(_exchanges(record), record["accept"], strict=True):
            if accept:
                assert is_right(answer, accept) == "right", (question, answer, accept)


def test_a_class_is_named_unless_the_confidence_is_very_low(instruct: list[Record]) -> None:
    low = [record for record in instruct if _part(record)["confidence"] < UNSURE]
    assert 0.04 < len(low) / len(instruct) < 0.10
    for record in instruct:
        unknown = record["task"] == "concept-unknown"
        assert unknown == (_part(record)["confidence"] < UNSURE)
        if unknown:
            name = imagenet_classes()[_part(record)["class"]].name
            assert name.lower() not in _exchanges(record)[0][1].lower()


def test_yes_and_no_are_balanced_and_true(instruct: list[Record]) -> None:
    verdicts = Counter()
    for record in instruct:
        if record["task"] != "concept-presence":
            continue
        kind = imagenet_classes()[_part(record)["class"]]
        question = _exchanges(record)[0][0].lower()
        own = [kind.phrase] + ([family_phrase(kind.family)] if kind.family else [])
        verdict = record["accept"][0][0]
        verdicts[verdict] += 1
        asked_for_own = any(question.replace("?", " ").find(f" {p.lower()} ") >= 0 for p in own)
        assert asked_for_own == (verdict == "yes"), (question, kind)
    total = sum(verdicts.values())
    assert total > 500
    assert 0.42 < verdicts["yes"] / total < 0.58


def test_training_never_sees_the_phrasings_of_scoring() -> None:
    for train, held in QUESTIONS.values():
        assert not set(train) & set(held)
    scored = {
        question
        for record in classification_records(400, 0, "pretrain", split="held")
        for question, _ in _exchanges(record)
    }
    known = {question for train, _ in QUESTIONS.values() for question in train}
    assert scored
    assert not scored & known


def test_no_template_is_left_unfilled(instruct: list[Record]) -> None:
    for record in instruct:
        for question, answer in _exchanges(record):
            assert "{" not in question + answer
            assert "None" not in question + answer
            assert answer[0].isupper() or answer[0].isdigit(), answer
