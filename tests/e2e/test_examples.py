"""The shipped model answers each example of the page rightly, as a first visitor asks it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.page.asking.examples import EXAMPLES, Example
from vlm.assistant import Assistant, Finished, State


@pytest.fixture(scope="module")
def assistant(embedded_folder: Path) -> Iterator[Assistant]:
    loaded = Assistant.load("embedded")
    yield loaded
    loaded.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)
def test_an_example_is_answered_rightly(assistant: Assistant, example: Example) -> None:
    *_, last = assistant.reply(State(), example.question, [example.path])
    assert isinstance(last, Finished)
    assert re.search(example.right, last.text, re.IGNORECASE), last.text
    assert not example.wrong or not re.search(example.wrong, last.text, re.IGNORECASE), last.text


def test_each_kind_of_medium_is_shown() -> None:
    assert len(EXAMPLES) == 4
    suffixes = {example.path.suffix for example in EXAMPLES}
    assert ".mp4" in suffixes
    assert suffixes & {".jpg", ".png"}
