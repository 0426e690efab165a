"""Conversations longer than the model's context are shown, shortened and refused as in the chat."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny_assistant

from evaluation.asking import runner
from evaluation.asking.answerer import Answerer
from evaluation.asking.task import Task
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.own.visitors import Visitors
from evaluation.json_files import write_json
from evaluation.runs.log import LogRow, read_log
from evaluation.toy import make_toy
from tests.media_maker import write_video
from vlm.assistant import Assistant, Finished, Settings, State
from vlm.inference.errors import PromptTooLong

MODEL = {"name": "tiny", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}
LENGTH = 100  # most tokens of an answer
# Two conversations that grow: id, medium, the question that it follows.
CHAINS = [
    ("a", "disc.png", ""),
    ("b", "long.mp4", "a"),
    ("c", "", "b"),
    ("d", "sign.png", "c"),
    ("e", "", "d"),
    ("f", "long.mp4", ""),
    ("g", "disc.png", "f"),
]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys") / "visitors"
    make_toy("visitors", folder)
    write_video(folder / "media/long.mp4", 16, fps=2)  # of which the chat shows eight frames
    questions: list[dict[str, Any]] = [
        {"id": id, "media": [f"media/{file}"] * bool(file), "question": f"What is {id}?"}
        | {"kind": "x", "right": ["yes"], **({"follows": before} if before else {})}
        for id, file, before in CHAINS
    ]
    write_json(folder / "questions.json", questions)
    return folder


@pytest.fixture(scope="module")
def model() -> Any:
    made = tiny_assistant()
    # Many tokens end an answer, so that answers are shorter than the room that is kept for them.
    ends = frozenset({*made.facts.eos_ids, *range(0, 2000, 16)})
    made.facts = replace(made.facts, eos_ids=ends)
    yield made
    made.close()


def ran(
    toys: Path, model: Assistant, context: int, out: Path, limit: int | None = None
) -> dict[str, LogRow]:
    answerer = Answerer(model.model, model.processor, batch_size=2)
    answerer.facts = replace(model.facts, context=context)
    task = Task(Visitors(), toys, Options(limit=limit), max_new_tokens=LENGTH)
    runner.run(task, answerer, MODEL, out)
    return {row["id"]: {**row, "seconds": None} for row in read_log(out)}


def chatted(toys: Path, model: Assistant, context: int) -> dict[str, str | PromptTooLong]:
    """The answers of the chat; a refused question leaves the conversation as it was."""
    found: dict[str, str | PromptTooLong] = {}
    states: dict[str, State] = {}
    assistant = Assistant(model.model, model.processor)
    assistant.facts = replace(model.facts, context=context)
    for question in Visitors().questions(toys, Options()):
        before = states[question.follows.id] if question.follows else State()
        files = [part.path for part in question.media[-1:] if part in question.parts]
        try:
            asked = question.parts[-1], files, Settings(max_new_tokens=LENGTH)
            events = list(assistant.reply(before, *asked))
        except PromptTooLong as error:
            found[question.id], states[question.id] = error, before
            continue
        (finished,) = (event for event in events if isinstance(event, Finished))
        states[question.id], found[question.id] = finished.state, finished.text.strip()
    assistant.close()
    return found


# Contexts in which nothing is reduced; frames, looks and answers are; and questions are refused.
@pytest.mark.parametrize(
    ("context", "reduced", "refused"), [(1000, "", ""), (230, "b", "e"), (150, "", "b")]
)
def test_a_visitor_of_the_chat_gets_the_same_answers_however_short_the_context(
    toys: Path, model: Assistant, context: int, reduced: str, refused: str, tmp_path: Path
) -> None:
    logged, chat = ran(toys, model, context, tmp_path / "whole"), chatted(toys, model, context)
    for id, answer in chat.items():
        row = logged[id]
        assert row["error"] == ""
        if isinstance(answer, PromptTooLong):
            assert (row["raw"], row["extra"]["refused"]) == ("", str(answer))
            assert row["score"] == {"right": 0.0, "honest": 0.0}
        else:
            # The last token may end within a letter, of which the chat shows nothing.
            assert row["raw"].rstrip("\ufffd") == answer, id
            assert "refused" not in row["extra"]
    assert {id for id, row in logged.items() if "refused" in row["extra"]} >= set(refused)
    assert all("instead of" in logged[id]["extra"]["notes"][0] for id in reduced)
    assert (context == 1000) == (not any("notes" in r["extra"] for r in logged.values()))
    assert len({row["raw"] for row in logged.values()}) > 2, "constant answers would prove nothing"

    # A run that is resumed after its second question knows what was reduced or refused.
    ran(toys, model, context, tmp_path / "resumed", limit=2)
    assert ran(toys, model, context, tmp_path / "resumed") == logged


def test_the_table_names_what_did_not_fit(toys: Path, model: Assistant, tmp_path: Path) -> None:
    rows = list(ran(toys, model, 150, tmp_path).values())
    names = ", ".join(row["id"] for row in rows if "refused" in row["extra"])
    (sentence,) = (line for line in Visitors().tables(rows) if "did not fit" in line)
    assert sentence.endswith(f"which counts as wrong: {names}.")
