"""Multi-topic conversations: turns of single records, each file at its first question."""

import json
from pathlib import Path

import pytest

from data.embedded.multi_topic import MOST_TURNS, RecordSources, multi_topic_records, turns_of
from data.records import (
    MediaFile,
    Record,
    RecordMessage,
    RecordText,
    SimulatedClassification,
    record_from_json,
    record_to_json,
)

FOLDER = Path("/data")


def record(name: str, first: MediaFile | SimulatedClassification | None, num_turns: int) -> Record:
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
        [record(f"concept{i}", SimulatedClassification(i, i, 0.5), 2) for i in range(5)],
        [record(f"chat{i}", None, 2) for i in range(3)],
    )


@pytest.fixture(scope="module")
def conversations(sources: RecordSources) -> list[Record]:
    return list(multi_topic_records(sources, 300, seed=4))


def test_every_question_keeps_its_answer(conversations: list[Record]) -> None:
    for one in conversations:
        for question, answer in turns_of(one):
            asked = question.text.split(": ")[-1].split("again. ")[-1]
            assert asked.replace("question", "answer") == answer.text


def test_a_file_comes_with_its_first_question(conversations: list[Record]) -> None:
    for one in conversations:
        for question, _ in turns_of(one):
            files = [part for part in question.parts if not isinstance(part, RecordText)]
            first = question.text.endswith("question 0") and not question.text.startswith("chat")
            assert len(files) == first


def test_conversations_have_one_to_three_files_and_every_kind_of_continuation(
    conversations: list[Record],
) -> None:
    counts = []
    general = back = 0
    for one in conversations:
        parts = [part for message in one.messages for part in message.parts]
        counts.append(sum(not isinstance(part, RecordText) for part in parts))
        chats = [question.text.startswith("chat") for question, _ in turns_of(one)]
        assert len(chats) <= MOST_TURNS
        assert any(chats) or counts[-1] > 1
        general += any(chats)
        back += "first video" in one.messages[-2].text
    assert {1, 2, 3} == set(counts)
    assert counts.count(2) > len(counts) / 2
    assert 0.2 < general / len(conversations) < 0.5
    assert 0.05 < back / len(conversations) < 0.4


def test_a_return_asks_a_new_question_about_the_first_file(conversations: list[Record]) -> None:
    returned = [one for one in conversations if "first video" in one.messages[-2].text]
    for one in returned:
        asked = [question.text for question, _ in turns_of(one)[:-1]]
        media = next(
            part for m in one.messages for part in m.parts if not isinstance(part, RecordText)
        )
        last = one.messages[-2].text
        assert isinstance(media, MediaFile)
        assert f"world{media.path.stem} question" in last
        assert not any(last.endswith(question) for question in asked)


def test_the_seed_determines_conversations_that_survive_a_jsonl_line(
    sources: RecordSources, conversations: list[Record]
) -> None:
    assert list(multi_topic_records(sources, 300, seed=4)) == conversations
    assert list(multi_topic_records(sources, 300, seed=5)) != conversations
    line = json.dumps(record_to_json(conversations[0], FOLDER))
    assert record_from_json(line, FOLDER, "here") == conversations[0]
