"""Versions of turns, turns that are read again, and what a browser stores of them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.looks import Wanted
from app.page.kept import stored
from app.turns import Chat, ChatTurn, file_key


def talk(question: str, chat: Chat | None = None, *files: Path) -> Chat:
    chat = chat or Chat()
    *_, last = stream_chat(FakeAssistant(), chat, Wanted(len(chat.turns), question, files))
    assert not last.error
    return last.chat


def asked(chat: Chat) -> list[str]:
    return [turn.question for turn in chat.turns]


def two_versions() -> Chat:
    """Returns "a", then "b" with "c" behind it, or in its place "B"."""
    chat = talk("c", talk("b", talk("a")))
    return chat.with_version(1, talk("B", chat.until(1)).turns[1:])


def test_a_new_version_keeps_the_earlier_one_with_all_that_followed() -> None:
    chat = two_versions()
    assert asked(chat) == ["a", "B"]
    assert (chat.turns[1].num_versions, chat.turns[1].place) == (2, 1)
    earlier = chat.showing(1, 0)
    assert asked(earlier) == ["a", "b", "c"]
    assert [turn.text for turn in earlier.state.turns] == ["a", "b", "c"]
    assert earlier.showing(1, 1) == chat
    with pytest.raises(IndexError):
        chat.showing(1, 2)


def test_versions_of_versions_stay_apart() -> None:
    chat = two_versions().showing(1, 0)
    chat = chat.with_version(2, talk("C", chat.until(2)).turns[2:])
    chat = chat.with_version(0, talk("A").turns)
    assert asked(chat) == ["A"]
    first = chat.showing(0, 0)
    assert asked(first) == ["a", "b", "C"]
    assert asked(first.showing(2, 0)) == ["a", "b", "c"]
    assert asked(first.showing(1, 1)) == ["a", "B"]


def test_what_is_stored_and_read_back_is_the_same_conversation() -> None:
    chat = two_versions().without_memory()
    for shown in (chat, chat.showing(1, 0)):
        again = stored.read(json.loads(stored.as_text("", shown))["turns"])
        assert again == shown
        assert asked(again.showing(1, 0)) == ["a", "b", "c"]


def test_frames_that_only_the_browser_holds_keep_their_place(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    chat = talk("What?", None, clip)
    again = stored.read(stored.write(chat), lambda path: path == clip)
    [strip], [before] = again.turns[0].strips, chat.turns[0].strips
    assert (strip.key, strip.times, strip.labels) == (before.key, before.times, before.labels)
    assert set(strip.pictures) == {b""}
    assert again.turns[0].usage == chat.turns[0].usage
    assert chat.without_memory().turns[0].strips == (strip,)


def test_a_path_is_only_taken_if_the_server_holds_it(tmp_path: Path) -> None:
    photo = tmp_path / "folder" / "photo.png"
    written = stored.write(talk("What?", None, photo))
    assert stored.read(written, lambda path: path == photo).turns[0].files == (photo,)
    for holds in (lambda path: False, lambda path: path != photo):
        turn = stored.read(written, holds).turns[0]
        assert (turn.files, turn.lost) == ((), ("folder/photo.png",))
    assert stored.from_text(stored.as_text("", talk("What?", None, photo))).turns[0].files == ()


def spoiled(**changes: Any) -> list:
    [turn] = copy.deepcopy(stored.write(talk("What?", None, Path("/tmp/x/clip.mp4"))))
    strip = {key[6:]: value for key, value in changes.items() if key.startswith("strip_")}
    turn["strips"][0] |= strip
    return [turn | {key: value for key, value in changes.items() if not key.startswith("strip_")}]


@pytest.mark.parametrize(
    "turns",
    [
        None,
        5,
        [1],
        [{}],
        {"turns": []},
        spoiled(parent=0),
        spoiled(parent=-2),
        spoiled(parent=True),
        spoiled(files=5),
        spoiled(usage={"prompt_tokens": "many"}),
        spoiled(strip_key="../../etc/passwd"),
        spoiled(strip_key='"><script>'),
        spoiled(strip_count=10**9),
        spoiled(strip_times=[float("nan")] * 8),
        spoiled(strip_size=[1, "x"]),
    ],
)
def test_malformed_turns_are_an_empty_conversation(turns: Any) -> None:
    assert stored.read(turns) == Chat()


def test_hostile_text_stays_text_and_too_much_is_refused() -> None:
    [turn] = stored.read(
        spoiled(answer="\ud83d", files=[{"key": "k", "path": {"path": "x"}}])
    ).turns
    assert turn.answer.encode()  # half a character is none that could be sent
    assert turn.lost == ("k",)
    one = spoiled()[0] | {"strips": []}
    deep = [one | {"parent": number - 1, "shown": False} for number in range(900)]
    assert len(stored.read(deep).turns) == 900
    for many in ([one | {"parent": -1}] * 1001, [one | {"answer": "a" * 2_100_000}]):
        with pytest.raises(stored.TooMuch):
            stored.read(many)
    assert stored.from_text("{") == stored.from_text("[]") == stored.from_text(None) == Chat()


def test_forgotten_turns_are_read_again_with_their_files(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    old = talk("two", talk("one", None, photo)).without_memory()
    assert (old.num_forgotten, old.num_lost, asked(Chat(old.to_read))) == (2, 0, ["one", "two"])
    chat = talk("three", old)
    assert (chat.num_forgotten, chat.to_read) == (0, ())
    assert "(2 turns before)" in chat.turns[2].answer
    assert [len(turn.strips) for turn in chat.turns] == [1, 0, 0]
    assert chat.turns[0].strips[0].pictures[0]


def test_turns_before_a_lost_file_stay_forgotten() -> None:
    turns = (ChatTurn("zero", lost=("x/a.png",)), ChatTurn("one", answer="1"))
    chat = talk("two", Chat(turns))
    assert "(1 turns before)" in chat.turns[2].answer
    assert (chat.num_forgotten, chat.num_lost) == (1, 1)
    assert [turn.text for turn in chat.state.turns] == ["one", "two"]


def test_files_that_are_gone_are_marked() -> None:
    here, gone = Path("/tmp/x/a.png"), Path("/tmp/x/b.png")
    chat = Chat((ChatTurn("q", (here, gone)),)).with_files(lambda path: path == here)
    assert (chat.turns[0].files, chat.turns[0].lost) == ((here,), (file_key(gone),))
