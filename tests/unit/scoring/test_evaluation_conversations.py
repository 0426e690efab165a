"""Questions that go on from others: asked in order, after the model's own answers."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny_assistant

from evaluation.asking import runner
from evaluation.asking.answerer import Answerer, Prompt
from evaluation.asking.conversations import batches
from evaluation.asking.media_ahead import Ready
from evaluation.asking.sharding import Processes
from evaluation.asking.task import Task
from evaluation.benchmarks.base import Options, Question
from evaluation.benchmarks.own.visitors import Visitors
from evaluation.json_files import write_json
from evaluation.reports import scoring
from evaluation.runs.log import read_log
from evaluation.toy import make_toy
from vlm.assistant import Assistant, Finished, Settings, State

MODEL = {"name": "tiny", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}
LENGTH = 20  # tokens of an answer


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys") / "visitors"
    make_toy("visitors", folder)
    return folder


@pytest.fixture(scope="module")
def assistant() -> Any:
    made = tiny_assistant()
    yield made
    made.close()


@pytest.fixture(scope="module")
def task(toys: Path) -> Task:
    return Task(Visitors(), toys, max_new_tokens=LENGTH)


def answerer(assistant: Assistant, batch_size: int = 1) -> Answerer:
    return Answerer(assistant.model, assistant.processor, batch_size)


@pytest.fixture(scope="module")
def whole(assistant: Assistant, task: Task, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("whole")
    runner.run(task, answerer(assistant), MODEL, out)
    return outcome(out)


def outcome(out: Path) -> bytes:
    """Returns the bytes of all answers and of the results."""
    write_json(out / "results.json", scoring.results(scoring.scored(out)))
    rows = [{**row, "seconds": None} for row in read_log(out)]
    return (out / "results.json").read_bytes() + repr(rows).encode()


def test_a_visitor_of_the_chat_gets_the_same_answers(
    assistant: Assistant, task: Task, toys: Path, tmp_path: Path
) -> None:
    runner.run(task, answerer(assistant), MODEL, tmp_path)
    logged = {row["id"]: row["raw"] for row in read_log(tmp_path)}
    states: dict[str, State] = {}
    for question in Visitors().questions(toys, Options()):
        before = states[question.follows.id] if question.follows else State()
        files = [part.path for part in question.parts if not isinstance(part, str)]
        reply = assistant.reply(before, question.parts[-1], files, Settings(max_new_tokens=LENGTH))
        (finished,) = (event for event in reply if isinstance(event, Finished))
        states[question.id] = finished.state
        # The last token may end within a letter, of which the chat shows nothing.
        assert logged[question.id].rstrip("\ufffd") == finished.text.strip(), question.id
    assert len(set(logged.values())) > 4, "a model with constant answers would prove nothing"


def test_the_log_shows_the_conversation_with_its_media(
    assistant: Assistant, task: Task, tmp_path: Path
) -> None:
    runner.run(task, answerer(assistant), MODEL, tmp_path)
    rows = {row["id"]: row for row in read_log(tmp_path)}
    said = [rows[name]["raw"] for name in ("disc-0", "again")]
    assert rows["both"]["prompt"] == (
        f"<image>What is this?\n[answer] {said[0]}\n"
        f"Which color is it?\n[answer] {said[1]}\n<video>And this?"
    )
    assert [medium["name"] for medium in rows["both"]["media"]] == ["disc.png", "square.mp4"]
    assert [medium["kind"] for medium in rows["both"]["media"]] == ["image", "video"]
    assert rows["self"]["media"] == []
    assert {name for name, row in rows.items() if "ids" in row["tokens"]} == {"disc-0", "again"}


@pytest.mark.parametrize("batch_size", [2, 8])
def test_the_batch_size_changes_no_answer(
    assistant: Assistant, task: Task, tmp_path: Path, whole: bytes, batch_size: int
) -> None:
    runner.run(task, answerer(assistant, batch_size), MODEL, tmp_path)
    assert outcome(tmp_path) == whole


class Unconnected(Processes):
    """One of several processes, run one after the other."""

    def wait(self, problem: str = "") -> None:
        assert not problem


def test_two_processes_end_in_the_bytes_of_one(
    assistant: Assistant, task: Task, tmp_path: Path, whole: bytes
) -> None:
    for rank in (1, 0):
        runner.run(task, answerer(assistant), MODEL, tmp_path, Unconnected(rank, 2))
    assert outcome(tmp_path) == whole


class Killed(BaseException):
    """An exception that no code catches."""


@pytest.mark.parametrize("answered", [1, 6, 7])  # before, between and at the ones that go on
def test_a_run_killed_within_a_conversation_resumes_to_the_same_bytes(
    assistant: Assistant, task: Task, tmp_path: Path, whole: bytes, answered: int
) -> None:
    count, answer = itertools.count(), Answerer.answer

    def until_then(self: Answerer, asked: Sequence[Prompt]) -> Any:
        if next(count) == answered:
            raise Killed
        return answer(self, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Answerer, "answer", until_then)
        with pytest.raises(Killed):
            runner.run(task, answerer(assistant), MODEL, tmp_path)
    assert len(read_log(tmp_path)) == answered
    runner.run(task, answerer(assistant, 4), MODEL, tmp_path, Unconnected(1, 2))
    runner.run(task, answerer(assistant), MODEL, tmp_path)
    assert outcome(tmp_path) == whole


def test_a_question_waits_for_the_answer_it_goes_on_from(
    assistant: Assistant, toys: Path, tmp_path: Path, whole: bytes, task: Task
) -> None:
    picture = toys / "media/disc.png"
    good = picture.read_bytes()
    picture.write_bytes(b"broken")
    try:
        runner.run(task, answerer(assistant, 8), MODEL, tmp_path)
    finally:
        picture.write_bytes(good)
    failed = {row["id"]: row["error"] for row in read_log(tmp_path) if row["error"]}
    assert failed.keys() == {"disc-0", "disc-1", "again", "both"}
    runner.run(task, answerer(assistant, 8), MODEL, tmp_path)
    assert outcome(tmp_path) == whole


def test_asked_blind_a_conversation_goes_on_without_its_media(
    assistant: Assistant, task: Task, tmp_path: Path
) -> None:
    runner.run(replace(task, media=False), answerer(assistant, 4), MODEL, tmp_path)
    rows = {row["id"]: row for row in read_log(tmp_path)}
    assert all(row["error"] == "" and row["tokens"]["visual"] == 0 for row in rows.values())
    assert rows["again"]["prompt"].startswith("What is this?\n[answer] ")


def test_no_batch_holds_a_question_and_one_that_goes_on_from_it() -> None:
    first = Question("a", "g", ("?",), ("x",))
    second = Question("b", "g", ("?",), ("x",), follows=first)
    other = Question("c", "h", ("?",), ("x",))
    third = Question("d", "g", ("?",), ("x",), follows=second)
    ready = [Ready(question) for question in (first, other, second, third)]
    found = [[one.question.id for one in batch] for batch in batches(ready, 3)]
    assert found == [["a", "c"], ["b"], ["d"]]
    assert [len(batch) for batch in batches([Ready(other)] * 7, 3)] == [3, 3, 1]
