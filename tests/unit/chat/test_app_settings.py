"""The page's settings: what a browser kept is checked; instructions reach the model."""

from typing import Any

import gradio as gr
import pytest
from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.looks import Wanted
from app.page.asking.settings import (
    AUTO,
    defaults,
    restored,
    settings_of,
    settings_panel,
    unlocked,
)
from app.turns import Chat

CARD = FakeAssistant.card


def test_settings_that_a_browser_kept_come_back() -> None:
    kept = {"frames": "16", "temperature": 0.7, "instructions": "Be brief."}
    assert restored(kept, 0.0) == ["16", AUTO, AUTO, 0.7, 256, "Be brief."]


@pytest.mark.parametrize(
    "kept",
    [None, [], "x", {"frames": "9", "looks": [], "instructions": 5}, {"other": 1}],
)
def test_what_is_no_setting_is_left_out(kept: Any) -> None:
    assert restored(kept, 0.0) == defaults(0.0)


def test_numbers_out_of_range_are_clamped() -> None:
    values = restored({"temperature": 1e9, "length": float("nan")}, 0.0)
    settings, _ = settings_of(values, CARD)
    assert (settings.temperature, settings.max_new_tokens) == (1.5, 16)
    assert settings_of(defaults(0.0), CARD)[0].temperature is None


def test_settings_cannot_be_changed_before_those_of_the_browser_are_there() -> None:
    with gr.Blocks():
        options = settings_panel(0.0)
    assert [option.interactive for option in options] == [False] * len(options)
    updates = unlocked({"instructions": "Be brief."}, 0.0)
    assert all(update["interactive"] for update in updates)
    assert updates[-1]["value"] == "Be brief."


def test_instructions_reach_the_model() -> None:
    assistant = FakeAssistant()
    *_, view = stream_chat(assistant, Chat(), Wanted(0, "one"), instructions="Be brief.")
    list(stream_chat(assistant, view.chat, Wanted(1, "two")))
    assert assistant.systems == ["Be brief.", None]
