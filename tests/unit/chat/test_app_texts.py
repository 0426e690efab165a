"""The page's table of texts: complete, with the same places to fill, in step with the page."""

import json
import re

import pytest

from app.chat import STOPPED_EARLY
from app.page import answers, messages, model_switch, ui
from app.page.scripts import FILES

TABLE = json.loads(FILES["texts.json"].read_text(encoding="utf-8"))
SCRIPTS = "".join(
    path.read_text(encoding="utf-8") for path in FILES.values() if path.suffix == ".js"
)
LABELS = re.compile(r'(?:textContent|ariaLabel|placeholder): "([^"]+)"|choice\("([^"]+)"')


@pytest.mark.parametrize("english", TABLE)
def test_each_text_has_three_translations_with_the_same_places(english: str) -> None:
    places = sorted(re.findall(r"\{\d\}", english))
    assert len(TABLE[english]) == 3
    for translation in TABLE[english]:
        assert translation.strip()
        assert sorted(re.findall(r"\{\d\}", translation)) == places


@pytest.mark.parametrize(
    "text",
    [
        messages.FORGOTTEN,
        messages.TO_READ,
        answers.BUSY,
        answers.STOPPED_AGAIN,
        STOPPED_EARLY,
        model_switch.LABEL,
        model_switch.LOADED,
        ui.WELCOME.splitlines()[2],
    ],
)
def test_the_page_s_sentences_are_in_the_table(text: str) -> None:
    assert text in TABLE


def test_labels_of_the_scripts_are_in_the_table() -> None:
    labels = {one or other for one, other in LABELS.findall(SCRIPTS)}
    assert labels
    assert labels - {"⋯"} <= set(TABLE)


def test_buttons_in_the_chat_are_in_the_table() -> None:
    parts = (messages._EDIT, messages._COPY, messages._AGAIN, messages._LOOK, messages._CLOSER)
    for part in parts:
        for text in re.findall(r'title="([^"]+)"|>([^<]+)</button>', part):
            assert "".join(text) in TABLE
