"""Subtitles beside a film: their words go into the question, the file itself is not seen."""

from pathlib import Path

import pytest
from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.looks import Wanted, understood
from app.subtitles import MAX_CHARACTERS, with_subtitles
from app.turns import Chat
from vlm.media.confined.limits import MediaError

SRT = "1\n00:00:0{0},000 --> 00:00:0{1},000\n{2}\n\n"
CLIP = Path("clip.mp4")


@pytest.fixture
def subtitles(tmp_path: Path) -> Path:
    path = tmp_path / "clip.srt"
    path.write_text(SRT.format(0, 4, "<i>Good morning.</i>") + SRT.format(5, 9, "Good night."))
    return path


def test_their_words_stand_before_the_question_as_in_evaluation(subtitles: Path) -> None:
    listed = "This video's subtitles are listed below:\n"
    assert with_subtitles("Who?", [CLIP, subtitles]) == (
        f"{listed}Good morning.\nGood night.\nWho?"
    )
    assert with_subtitles("Who?", [subtitles], (4.5, 8.0)) == f"{listed}Good night.\nWho?"
    assert with_subtitles("Who?", [CLIP]) == "Who?"


def test_the_chat_shows_the_question_as_it_was_typed(subtitles: Path) -> None:
    assistant = FakeAssistant()
    *_, view = stream_chat(assistant, Chat(), Wanted(0, "Who?", (CLIP, subtitles)))
    (turn,) = view.chat.turns
    assert (turn.question, turn.files) == ("Who?", (CLIP, subtitles))
    assert [strip.name for strip in turn.strips] == ["clip.mp4"]
    [(asked, files, _)] = assistant.asked
    assert (asked.endswith("Good night.\nWho?"), files) == (True, ("clip.mp4",))
    assert understood(view.chat, "look closer from 1 to 2").files == (CLIP, subtitles)
    *_, view = stream_chat(assistant, view.chat.without_memory(), Wanted(1, "and?"))
    assert len(view.chat.turns) == 2


def test_words_that_are_too_many_are_taken_at_fewer_moments(tmp_path: Path) -> None:
    path = tmp_path / "long.srt"
    path.write_text("".join(SRT.format(i, i + 1, f"{i} " * 300) for i in range(9)))
    assert len(with_subtitles("", [path])) <= MAX_CHARACTERS + 50


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no times", r'"a\.srt" cannot be used: '),
        (b"\0" * 3 * 2**20, r'"a\.srt" is too large for subtitles'),
    ],
)
def test_what_is_no_subtitles_is_refused_in_a_sentence(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=f"^{sentence}") as caught:
        with_subtitles("?", [path])
    assert str(tmp_path) not in str(caught.value)
