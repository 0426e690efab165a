"""The experts' words reach a benchmark's prompts as they reach those of the chat."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_benchmark import Fake, make_fake
from tiny import tiny_assistant

from evaluation.asking import runner
from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt
from evaluation.asking.described import described
from evaluation.asking.task import Task
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.own.visitors import Visitors
from evaluation.json_files import read_json
from evaluation.runs.log import read_log
from evaluation.toy import make_toy
from vlm.assistant import Assistant, Finished, Settings, State
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.experts.expert_words import Described

MODEL = {"name": "tiny", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}
LENGTH = 8  # tokens of an answer


class Shapes:
    """Experts that tell the shape of what they look at."""

    key = "shapes"

    def __init__(self) -> None:
        self.looked: list[tuple[int, ...]] = []

    def __call__(self, part: Image | Video) -> Described:
        pixels = part.frames if isinstance(part, Video) else part.pixels
        self.looked.append(pixels.shape)
        return Described(replace(part, words=(f"Shape {pixels.shape}.",)), ())


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    made = tiny_assistant(experts=("things",))
    yield made
    made.close()


def answerer(assistant: Assistant, words: Any) -> Answerer:
    return Answerer(assistant.model, assistant.processor, words=words)


def test_each_medium_is_looked_at_once_before_it_is_shrunk(
    assistant: Assistant, tmp_path: Path
) -> None:
    data = make_fake(tmp_path / "fake", clips=1, pictures=2)
    words = Shapes()
    runner.run(Task(Fake(), data), answerer(assistant, words), MODEL, tmp_path / "with")
    assert sorted(words.looked) == [(3, 48, 64, 3), (40, 60, 3), (40, 60, 3)]
    rows = read_log(tmp_path / "with")
    assert [row["media"][0]["words"] for row in rows[:2]] == [["Shape (3, 48, 64, 3)."]] * 2
    runner.run(Task(Fake(), data), answerer(assistant, None), MODEL, tmp_path / "without")
    plain = read_log(tmp_path / "without")
    for row, bare in zip(rows, plain, strict=True):
        assert row["tokens"]["visual"] == bare["tokens"]["visual"]
        assert row["tokens"]["input"] > bare["tokens"]["input"]
        assert "words" not in bare["media"][0]


def test_a_run_is_continued_only_with_the_same_experts(
    assistant: Assistant, tmp_path: Path
) -> None:
    data = make_fake(tmp_path / "fake", clips=0, pictures=1)
    runner.run(Task(Fake(), data), answerer(assistant, Shapes()), MODEL, tmp_path / "out")
    assert read_json(tmp_path / "out/manifest.json")["identity"]["asked"]["experts"] == "shapes"
    with pytest.raises(runner.CannotBegin, match="asked experts: shapes, here None"):
        runner.run(Task(Fake(), data), answerer(assistant, None), MODEL, tmp_path / "out")


def test_asked_blind_no_expert_looks(assistant: Assistant, tmp_path: Path) -> None:
    data = make_fake(tmp_path / "fake", clips=1, pictures=1)
    words = Shapes()
    task = Task(Fake(), data, media=False)
    runner.run(task, answerer(assistant, words), MODEL, tmp_path / "out")
    assert words.looked == []


def test_words_only_takes_the_tokens_of_the_words_and_none_of_the_media(
    assistant: Assistant, tmp_path: Path
) -> None:
    data = make_fake(tmp_path / "fake", clips=1, pictures=1)

    def tokens(name: str, words: Any, **asked: Any) -> list[dict[str, int]]:
        task = Task(Fake(), data, **asked)
        runner.run(task, answerer(assistant, words), MODEL, tmp_path / name)
        return [row["tokens"] for row in read_log(tmp_path / name)]

    both, alone = tokens("both", Shapes()), tokens("tokens", None)
    words, blind = tokens("words", Shapes(), words_only=True), tokens("blind", None, media=False)
    assert [row["visual"] for row in words] == [0] * 4
    for of_both, of_tokens, of_words, of_none in zip(both, alone, words, blind, strict=True):
        assert of_both["input"] - of_tokens["input"] == of_words["input"] - of_none["input"] > 0
    asked = read_json(tmp_path / "words/manifest.json")["identity"]["asked"]
    assert asked["words_only"] is True
    assert "words_only" not in read_json(tmp_path / "both/manifest.json")["identity"]["asked"]


def test_a_prompt_without_words_gets_them_for_its_number_of_looks(assistant: Assistant) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    conversation = Conversation((Message("user", (Image(pixels), Text("What?"))),))
    ready = described(conversation, assistant.words)
    (image, _) = ready.messages[0].parts
    assert isinstance(image, Image)
    assert len(image.words) == assistant.processor.prompt_config.looks
    assert described(ready, lambda part: pytest.fail("it looked again")) == ready
    asked = answerer(assistant, assistant.words)
    counts = [
        asked.with_settings(GenerateSettings(looks=looks, max_new_tokens=1))
        .answer([Prompt("q", conversation)])[0]
        .input_tokens
        for looks in (1, 2)
    ]
    assert counts[0] < counts[1]


def test_with_experts_a_visitor_of_the_chat_gets_the_same_answers(
    assistant: Assistant, tmp_path: Path
) -> None:
    make_toy("visitors", tmp_path / "visitors")
    task = Task(Visitors(), tmp_path / "visitors", max_new_tokens=LENGTH)
    assert assistant.words is not None
    runner.run(task, answerer(assistant, assistant.words), MODEL, tmp_path / "out")
    logged = {row["id"]: row for row in read_log(tmp_path / "out")}
    assert {name: row["error"] for name, row in logged.items() if row["error"]} == {}
    states: dict[str, State] = {}
    for question in Visitors().questions(task.folder, Options()):
        before = states[question.follows.id] if question.follows else State()
        files = [part.path for part in question.parts if not isinstance(part, str)]
        reply = assistant.reply(before, question.parts[-1], files, Settings(max_new_tokens=LENGTH))
        (finished,) = (event for event in reply if isinstance(event, Finished))
        states[question.id] = finished.state
        row = logged[question.id]
        assert row["tokens"]["input"] == finished.usage.prompt_tokens, question.id
        assert row["raw"].rstrip("\ufffd") == finished.text.strip(), question.id
    words = [line for row in logged.values() for medium in row["media"] for line in medium["words"]]
    assert any(words)
