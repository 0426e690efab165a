"""The conversation check: the second question follows another picture and its answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from data.records import MediaFile, Record, RecordMessage, RecordText
from evaluation.embedded import conversation_check
from evaluation.embedded.conversation_check import (
    PHOTOGRAPHS,
    WORLDS,
    Twice,
    about,
    ask_twice,
    fact,
    table,
)
from vlm.conversation import Conversation, Image


def record(folder: Path, name: str, shade: int) -> Record:
    path = folder / f"{name}.png"
    Picture.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(path)
    return Record(
        name,
        (
            RecordMessage("user", (MediaFile("image", path), RecordText(f"What is {name}?"))),
            RecordMessage("assistant", (RecordText(f"A {name}."),)),
        ),
        ("name",),
        ((name,),),
        ((f"old {name}",),),
    )


def seen(conversation: Conversation) -> list[Any]:
    """Returns texts and pictures of a conversation, a picture by its shade."""
    found: list[Any] = []
    for message in conversation.messages:
        for part in message.parts:
            found.append(int(part.pixels.flat[0]) if isinstance(part, Image) else part.text)  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_each_question_is_asked_alone_and_after_the_previous_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    asked = [
        about(record(tmp_path, "cat", 10), PHOTOGRAPHS, ("right", "near")),
        fact("What day is it?", ("monday",)),
        about(record(tmp_path, "hen", 20), WORLDS, ("right",)),
    ]

    heard: list[list[Any]] = []

    def spy(model: Any, processor: Any, conversations: Sequence[Conversation], most: int) -> Any:
        heard.extend(map(seen, conversations))
        return [f"answer to {seen(one)[-1]}" for one in conversations]

    monkeypatch.setattr(conversation_check, "greedy_answers", spy)
    twice = list(ask_twice(None, None, asked, batch_size))  # type: ignore[arg-type]
    assert [one.question for one in twice] == asked
    cat = [10, "What is cat?"]
    hen = [20, "What is hen?"]
    day = ["What day is it?"]
    of_cat, of_hen = ["answer to What is cat?"], ["answer to What is hen?"]
    for alone in (cat, hen, day):
        assert alone in heard
    # The first follows the last; a fact has no picture that could be mixed up.
    assert hen + of_hen + cat in heard
    assert cat + of_cat + day in heard
    assert cat + of_cat + hen in heard


def test_questions_without_any_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="no question about a picture"):
        list(ask_twice(None, None, [fact("What day is it?", ("monday",))]))  # type: ignore[arg-type]


def test_the_table_counts_both_answers_by_kind(tmp_path: Path) -> None:
    cat = record(tmp_path, "cat", 10)
    photo, world = about(cat, PHOTOGRAPHS, ("right", "near")), about(cat, WORLDS, ("right",))
    lines = table(
        [
            Twice(photo, ("A cat.", "An old cat.")),
            Twice(world, ("A cat.", "A hen.")),
            Twice(fact("What day is it?", ("monday",)), ("Tuesday", "It's Monday.")),
        ]
    )
    assert lines[2].startswith("| made worlds, right | 100 %")
    assert "| 0 %" in lines[2]
    assert lines[3].startswith("| photographs, right or nearly right | 100 %")
    assert lines[3].count("100 %") == 2
    assert lines[4].startswith("| short facts, right | 0 %")
    assert "| 100 %" in lines[4]
