"""Joined conversations: turns of single records, each file where its questions begin."""

import json
from pathlib import Path

import pytest

from data.embedded.multi_topic import MOST_TURNS, RecordSources, multi_topic_records, turns_of
from data.records import (
    Concept,
    MediaFile,
    Record,
    RecordMessage,
    RecordText,
    record_from_json,
    record_to_json,
)

FOLDER = Path("/data")


def record(name: str, first: MediaFile | Concept | None, num_turns: int) -> Record:
    messages = []
    for turn in range(num_turns):
        media = (first,) if first is not None and turn == 0 else ()
        messages.append(RecordMessage("user", (*media, RecordText(f"{name} question {turn}"))))
        messages.append(RecordMessage("assistant", (RecordText(f"{name} answer {turn}"),)))
    return Record(name, tuple(messages))


@pytest.fixture(scope="module")
def sources() -> RecordSources:
    return RecordSources(
        [record(f"world{i}", MediaFile("video", FOLDER / f"{i}.mp4"), 5) for i in range(7)],
        [record(f"concept{i}", Concept(i, i, 0.5), 2) for i in range(5)],
        [record(f"chat{i}", None, 2) for i in range(3)],
    )


@pytest.fixture(scope="module")
def joined(sources: RecordSources) -> list[Record]:
    return list(multi_topic_records(sources, 300, seed=4))


def test_every_answer_is_the_one_of_its_question(joined: list[Record]) -> None:
    for one in joined:
        for question, answer in turns_of(one):
            asked = question.text.split(": ")[-1].split("again. ")[-1]
            assert asked.replace("question", "answer") == answer.text


def test_a_file_comes_with_its_own_first_question(joined: list[Record]) -> None:
    for one in joined:
        for question, _ in turns_of(one):
            files = [part for part in question.parts if not isinstance(part, RecordText)]
            first = question.text.endswith("question 0") and not question.text.startswith("chat")
            assert len(files) == first


def test_there_are_one_to_three_files_and_all_that_people_go_on_with(joined: list[Record]) -> None:
    counts = []
    general = back = 0
    for one in joined:
        parts = [part for message in one.messages for part in message.parts]
        counts.append(sum(not isinstance(part, RecordText) for part in parts))
        chats = [question.text.startswith("chat") for question, _ in turns_of(one)]
        assert len(chats) <= MOST_TURNS
        assert any(chats) or counts[-1] > 1
        general += any(chats)
        back += "first video" in one.messages[-2].text
    assert {1, 2, 3} == set(counts)
    assert counts.count(2) > len(counts) / 2
    assert 0.2 < general / len(joined) < 0.5
    assert 0.05 < back / len(joined) < 0.4


def test_a_question_back_is_a_new_one_about_the_first_file(joined: list[Record]) -> None:
    returned = [one for one in joined if "first video" in one.messages[-2].text]
    for one in returned:
        asked = [question.text for question, _ in turns_of(one)[:-1]]
        media = next(
            part for m in one.messages for part in m.parts if not isinstance(part, RecordText)
        )
        last = one.messages[-2].text
        assert isinstance(media, MediaFile)
        assert f"world{media.path.stem} question" in last
        assert not any(last.endswith(question) for question in asked)


def test_the_same_seed_joins_the_same_and_a_line_holds_all_of_it(
    sources: RecordSources, joined: list[Record]
) -> None:
    assert list(multi_topic_records(sources, 300, seed=4)) == joined
    assert list(multi_topic_records(sources, 300, seed=5)) != joined
    line = json.dumps(record_to_json(joined[0], FOLDER))
    assert record_from_json(line, FOLDER, "here") == joined[0]
