"""Another look that is asked for in words, and the times in answers."""

import io
from argparse import Namespace
from pathlib import Path

import pytest
from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.console.ask import ask as ask_command
from app.console.terminal import Terminal
from app.frame_strip import Strip
from app.looks import Wanted, look_again, seconds, understood
from app.sanitize import for_page
from app.time_links import length_seen, with_time_links
from app.turns import Chat

CLIP, PHOTO = Path("/tmp/x/clip.mp4"), Path("/tmp/x/photo.png")


def talk(question: str, chat: Chat | None = None, *files: Path) -> Chat:
    chat = chat or Chat()
    return answered(chat, Wanted(len(chat.turns), question, files))


def answered(chat: Chat, wanted: Wanted) -> Chat:
    *_, last = stream_chat(FakeAssistant(), chat, wanted)
    return last.chat


@pytest.mark.parametrize(
    ("text", "span", "question"),
    [
        ("look closer between 0:10 and 0:20", (10, 20), "What happens?"),
        ("Look closer between 0:10 and 1:02.5: is it red?", (10, 62.5), "is it red?"),
        ("please look more closely from 5 s to 7,5 s, what is that", (5, 7.5), "what is that"),
        ("Look closer between 1:00:00 – 1:00:05", (3600, 3605), "What happens?"),
    ],
)
def test_a_span_of_the_last_film_is_taken_from_words(
    text: str, span: tuple[float, float], question: str
) -> None:
    chat = talk("hello", talk("What happens?", None, CLIP, PHOTO))
    wanted = understood(chat, text)
    assert (wanted.at, wanted.span, wanted.question) == (2, span, question)
    assert wanted.files == (CLIP,)
    assert understood(Chat(), text, (CLIP,)).files == (CLIP,)


def test_other_words_stay_a_plain_question() -> None:
    for text in ("Why does he look closer at 0:10?", "look again at the cat", "0:10 and 0:20?"):
        assert understood(Chat(), text) == understood(Chat(), text, ())
        assert understood(Chat(), text).question == text
        assert understood(Chat(), text).span is None


def test_look_again_asks_the_turn_with_the_picture_once_more() -> None:
    chat = talk("and?", talk("What is it?", None, PHOTO))
    wanted = understood(chat, "Look again.")
    assert (wanted.at, wanted.question, wanted.files) == (0, "What is it?", (PHOTO,))
    chat = chat.answered(wanted.at, answered(chat, wanted))
    assert (chat.turns[0].again, chat.turns[0].num_versions) == (1, 2)
    assert look_again(chat).again == 2


@pytest.mark.parametrize(
    ("chat", "text", "sentence"),
    [
        (Chat(), "look again", "no picture to look at again"),
        (talk("q", None, CLIP), "look again", "no picture to look at again"),
        (talk("q", None, PHOTO), "look closer from 1 to 2", "no film to look closer at"),
        (talk("q", None, CLIP), "look closer from 0:20 to 0:10", "give the earlier time first"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(chat: Chat, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        understood(chat, text)


def test_the_terminal_looks_again_and_closer(capsys: pytest.CaptureFixture[str]) -> None:
    options = Namespace(frames=None, looks=None, tiles=None, length=64, temperature=0.0, seed=None)
    terminal = Terminal(FakeAssistant(), Namespace(files=[], **vars(options)))  # type: ignore[arg-type]
    terminal.waiting = (PHOTO, CLIP)
    terminal.ask("What is it?")
    terminal.command("/look")
    assert "Seen with 1 more look than at first." in capsys.readouterr().out
    assert terminal.chat.turns[0].num_versions == 2
    terminal.command("/closer 0:01 0:02 What moves?")
    assert "Looked closer between 0:01.0 and 0:02.0." in capsys.readouterr().out
    assert [turn.question for turn in terminal.chat.turns] == ["What is it?", "What moves?"]
    terminal.command("/closer soon later")
    assert "Usage" in capsys.readouterr().out
    terminal.command("/closer 0:02 0:01")
    assert "earlier time first" in capsys.readouterr().out


def test_ask_understands_the_same_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.touch()
    monkeypatch.setattr("app.console.ask.probe", lambda path: None)
    monkeypatch.setattr("sys.stdin", io.StringIO("What is it?\nlook again\nlook closer 1 to 2\n"))
    args = Namespace(
        items=[str(photo)], json=True, quiet=True,
        frames=None, looks=None, tiles=None, length=64, temperature=0.0, seed=None,
    )  # fmt: skip
    assistant = FakeAssistant()
    assert ask_command(args, lambda: assistant) == 0  # type: ignore[arg-type, return-value]
    assert capsys.readouterr().out.count('"question": "What is it?"') == 2
    assert [text for text, *_ in assistant.asked] == ["What is it?"] * 2 + ["look closer 1 to 2"]


def test_times_in_an_answer_become_links() -> None:
    linked = with_time_links(for_page("At 0:07 and 1:02:03.5, at 12 s, 5 s long."), 4000)
    assert linked == "At [0:07](#t=7) and [1:02:03.5](#t=3723.5), at [12 s](#t=12), 5 s long."


@pytest.mark.parametrize(
    "text",
    [
        "`0:07`",
        "```\n0:07\n```",
        "[0:07](http://a.b/0:07)",
        "10:99",
        "1:2:07:08",
        "9:59",
        "v1.0:07",
    ],
)
def test_what_is_no_moment_of_the_film_stays_text(text: str) -> None:
    assert with_time_links(text, 60) == text
    assert with_time_links("0:07", 0) == "0:07"


def test_the_length_of_what_was_seen_counts_one_step_more() -> None:
    film = Strip("a.mp4", "video", (b"",) * 2, (1.0, 3.0))
    assert length_seen([film]) == 5
    assert length_seen([]) == 0
    assert seconds("1:02:03,5") == 3723.5
