"""Scoring of short answers: many forms of right answers, and tricks that must not pass."""

import pytest

from data.records import Record, RecordMessage, RecordText
from data.scoring import is_right, judge


@pytest.mark.parametrize(
    ("answer", "accept"),
    [
        ("Red.", "red"),
        ("It is red.", "red"),
        ("The star is dark red, the square is blue.", "red"),
        ("There are three stars.", "3"),
        ("3", "3"),
        ("There are no stars.", "0"),
        ("None.", "0"),
        ("Yes, there is a star.", "yes"),
        ("No.", "no"),
        ("It is at the top left.", "top left"),
        ("At the top, on the left.", "top left"),
        ("In the upper left-hand corner", "top left"),
        ("In the top middle.", "top"),
        ("In the center of the picture.", "middle"),
        ("It moves to the right.", "right"),
        ("It isn't moving.", "not moving"),
        ("A red bus.", "bus"),
        ("Two buses.", "bus"),
        ("Mrs. Claus.", "Mrs. Claus"),
        ("The total is $12.40.", "12.40"),
        ("The number is 4,821.", "4821"),
        ("I can't tell, the picture is black.", "can not tell"),
        ("I cannot tell.", "can not tell"),
    ],
)
def test_right_answers_in_many_forms_are_right(answer: str, accept: str) -> None:
    assert is_right(answer, [accept]) == "right"


@pytest.mark.parametrize(
    ("answer", "accept"),
    [
        ("", "red"),
        ("Blue.", "red"),
        ("Red, orange, yellow, green and blue.", "red"),
        ("Red or blue.", "red"),
        ("Blue. Or red.", "red"),
        ("There are two or three stars.", "3"),
        ("13", "3"),
        ("Yes and no.", "yes"),
        ("Top, left, right, bottom.", "top"),
        ("It is at the top left.", "top"),
        ("Left and right.", "left"),
        ("A business.", "bus"),
        ("A cat, a dog, a car, a bus or a tree.", "bus"),
        ("I would say that this thing which I see here might well be some bus.", "bus"),
        ("48210", "4821"),
        ("It is black.", "can not tell"),
    ],
)
def test_wrong_answers_and_tricks_are_wrong(answer: str, accept: str) -> None:
    assert is_right(answer, [accept]) == "wrong"


def test_an_answer_can_be_nearly_right() -> None:
    assert is_right("A blue star.", ["red star"], ["star"]) == "near"
    assert is_right("At the top.", ["top left"], ["top", "left"]) == "near"


def test_the_first_of_two_names_decides() -> None:
    assert is_right("The cat is bigger than the dog.", ["cat"], wrong=["dog"]) == "right"
    assert is_right("The dog is bigger than the cat.", ["cat"], wrong=["dog"]) == "wrong"


def test_a_record_is_judged_turn_by_turn() -> None:
    parts = (RecordText("?"),)
    turn = (RecordMessage("user", parts), RecordMessage("assistant", parts))
    record = Record("x", (*turn, *turn), ("a", "b"), (("cup",), ("left",)), ((), ("up",)))
    assert judge(record, "A cup.") == "right"
    assert judge(record, "It moves up.", turn=1) == "near"
    with pytest.raises(ValueError, match="turn 2"):
        judge(record, "?", turn=2)
