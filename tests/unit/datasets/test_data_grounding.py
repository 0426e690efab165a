"""Target words of single visual tokens."""

import pytest

from data.embedded.grounding import TokenTarget, token_targets
from data.objects import Box, Objects
from data.records import RecordError, record_from_json, record_to_json

STAR = Box("red star", 0.2, 0.2, 0.3, 0.3)


def words_of(targets: list[TokenTarget], token: int) -> set[str]:
    return set(next(item.words for item in targets if item.token == token))


def test_a_square_describes_its_object_and_an_empty_one_the_background() -> None:
    targets = token_targets(Objects(((STAR,),), "blue"), 1, 1, (2, 2))
    assert [item.token for item in targets] == [0, 1, 2, 3, 4]
    assert words_of(targets, 0) == {"red", "star", "background", "blue"}
    assert words_of(targets, 1) == {"red", "star", "top", "left"}
    for token in (2, 3, 4):
        assert words_of(targets, token) == {"background", "blue"}
    assert [item.background for item in targets] == [False, False, True, True, True]


def test_without_a_plain_background_an_empty_square_has_no_words() -> None:
    targets = token_targets(Objects(((STAR,),)), 1, 1, (2, 2))
    assert words_of(targets, 4) == set()


def test_equal_objects_are_counted() -> None:
    other = Box("red star", 0.8, 0.8, 0.3, 0.3)
    targets = token_targets(Objects(((STAR, other),)), 1, 1, (2, 2))
    assert words_of(targets, 1) >= {"two", "top", "left"}
    assert words_of(targets, 4) >= {"two", "bottom", "right"}


def test_each_look_describes_the_next_object_of_a_crowded_square() -> None:
    small = Box("blue moon", 0.4, 0.4, 0.1, 0.1)
    targets = token_targets(Objects(((small, STAR),)), 1, 3, (2, 2))
    described = [words_of(targets, 1 + look * 5) & {"star", "moon"} for look in range(3)]
    assert described == [{"star"}, {"moon"}, {"star"}]


@pytest.mark.parametrize(
    ("step", "word"),
    [((-0.1, 0), "west"), ((0.1, 0), "east"), ((0, -0.1), "up"), ((0, 0.1), "down")],
)
def test_the_direction_is_known_from_the_second_frame_on(
    step: tuple[float, float], word: str
) -> None:
    frames = tuple(
        (Box("red star", 0.5 + i * step[0] / 2, 0.5 + i * step[1] / 2, 0.3, 0.3),) for i in range(8)
    )
    targets = token_targets(Objects(frames), 4, 4, (2, 2))
    ways = {"west", "east", "up", "down", "still"}
    assert [words_of(targets, look * 5) & ways for look in range(4)] == [
        set(),
        {word},
        {word},
        {word},
    ]


def test_an_unmoved_object_is_still() -> None:
    assert "still" in words_of(token_targets(Objects(((STAR,),) * 8), 2, 2, (2, 2)), 6)
    assert "still" in words_of(token_targets(Objects(((STAR,),)), 1, 2, (2, 2)), 6)


def test_objects_survive_writing_and_reading() -> None:
    line = (
        '{"id": "a", "messages": [{"role": "user", "content": "What?"},'
        ' {"role": "assistant", "content": "A star."}],'
        ' "objects": {"background": "blue", "frames": [[["red star", 0.2, 0.2, 0.3, 0.3]]]}}'
    )
    record = record_from_json(line, ".", "here")
    assert record.objects == Objects(((STAR,),), "blue")
    assert record_to_json(record, ".")["objects"] == {
        "background": "blue",
        "frames": [[["red star", 0.2, 0.2, 0.3, 0.3]]],
    }


@pytest.mark.parametrize("objects", ['{"frames": []}', "[]", '{"frames": [[["star", 1]]]}'])
def test_malformed_objects_give_a_one_sentence_error(objects: str) -> None:
    line = (
        '{"messages": [{"role": "user", "content": "What?"},'
        f' {{"role": "assistant", "content": "A star."}}], "objects": {objects}}}'
    )
    with pytest.raises(RecordError, match='"objects" must be'):
        record_from_json(line, ".", "here")
