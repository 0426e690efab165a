"""The conversation every screen shows: views, history, errors; and the strip of what was seen."""

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_assistant import FakeAssistant
from PIL import Image

from app.chat import ChatView, error_message, stream_chat, usage_line
from app.frame_strip import clock, strip_html, strip_of
from app.looks import Wanted
from app.turns import Chat
from vlm.assistant import Seen


def talk(question: str, chat: Chat | None = None, *files: Path, **options: Any) -> list[ChatView]:
    chat = chat or Chat()
    wanted = Wanted(len(chat.turns), question, files)
    return list(stream_chat(FakeAssistant(), chat, wanted, **options))


def test_an_answer_passes_through_its_phases_and_extends_the_chat() -> None:
    views = talk("What?", None, Path("clip.mp4"))
    phases = [view.phase.partition(":")[0] for view in views if view.phase]
    assert list(dict.fromkeys(phases)) == [
        "Choosing what to look at",
        "Reading clip.mp4",
        "Looking",
    ]
    assert "8 frames, 136 tokens" in views[1].cost
    answers = [view.answer for view in views if view.answer]
    assert all(
        later.startswith(earlier) for earlier, later in zip(answers, answers[1:], strict=False)
    )
    last = views[-1]
    assert last.finished
    assert not last.error
    (turn,) = last.chat.turns
    assert turn.answer == last.answer
    assert [len(strip.pictures) for strip in turn.strips] == [8]
    assert turn.strips[0].size == (160, 90)
    assert "7,900 left" in usage_line(turn)


def test_a_follow_up_question_gets_the_state_of_the_first() -> None:
    first = talk("one")[-1].chat
    second = talk("two", first)[-1].chat
    assert "(1 turns before)" in second.turns[1].answer
    assert second.until(1).turns == first.turns
    assert second.until(1).state.turns == first.state.turns


@pytest.mark.parametrize("question", ["bad file", "break"])
def test_a_failure_leaves_the_chat_unchanged(question: str) -> None:
    before = talk("one")[-1].chat
    last = talk(question, before)[-1]
    assert last.error
    assert last.finished
    assert last.chat == before


def test_visitors_see_no_details_of_internal_errors() -> None:
    sentence = error_message(RuntimeError("/secret/path"))
    assert "secret" not in sentence
    assert "RuntimeError" in sentence
    assert error_message(ValueError("clip.mp4 is empty.")) == "clip.mp4 is empty."
    missing = FileNotFoundError(2, "No such file", "/tmp/deep/clip.mp4")
    assert error_message(missing) == "clip.mp4 is missing; add it again."


def test_stopping_before_the_first_word_keeps_nothing_and_reports_it() -> None:
    stop = threading.Event()
    stop.set()
    last = talk("anything", None, stop=stop)[-1]
    assert last.stopped
    assert "question is kept" in last.error
    assert last.chat == Chat()


def test_a_strip_shows_each_frame_with_its_own_time() -> None:
    frames = [np.full((20, 30, 3), 60 * i, np.uint8) for i in range(3)]
    strip = strip_of(Seen("c.mp4", "video", frames, (0.04, 61.25, 3723.5), ("late",)))
    assert strip.labels == ["0:00.0", "1:01.2", "1:02:03.5"]
    shades = [np.asarray(Image.open(io.BytesIO(p))).mean() for p in strip.pictures]
    assert shades == pytest.approx([0, 60, 120], abs=3)
    page = strip_html([strip], "frames")
    assert page.count("<a ") == 3
    assert f"frames/{strip.key}/2.jpg" in page
    assert "late" in page


def test_a_tiled_image_labels_its_thumbnail() -> None:
    frames = [np.zeros((8, 8, 3), np.uint8)] * 3
    strip = strip_of(Seen("<b>.png", "image", frames, None))
    assert strip.labels == ["part 1", "part 2", "whole"]
    assert "<b>" not in strip_html([strip], "frames")


def test_times_round_up_to_the_next_minute() -> None:
    assert [clock(t) for t in (0, 59.96, 3599.99)] == ["0:00.0", "1:00.0", "1:00:00.0"]
