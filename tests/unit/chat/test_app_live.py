"""Live pictures of the page: bounded in number, refused if malformed, watched for a moment."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_assistant import FakeAssistant
from fastapi import FastAPI
from fastapi.testclient import TestClient
from media_maker import write_video

from app.chat import stream_chat
from app.console.terminal import Terminal
from app.looks import Wanted
from app.page.kept.live import CAMERA, IDLE, MOST, LiveStreams, Watch
from app.page.web.live_routes import add_live
from app.turns import Chat
from vlm.assistant import MediaSource

FRAME = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture
def streams() -> LiveStreams:
    return LiveStreams(FakeAssistant())


@pytest.fixture
def client(streams: LiveStreams) -> Iterator[TestClient]:
    app = FastAPI()
    add_live(app, streams)
    with TestClient(app) as started:
        yield started


def test_frames_are_counted_and_the_latest_are_kept(streams: LiveStreams) -> None:
    name = streams.begin()
    assert streams.stream(name) is None
    reports = [streams.see(name, FRAME, float(second)) for second in range(70)]
    assert reports[-1] == {"seen": 70, "kept": 64, "since": 6.0}
    streams.end(name)
    assert streams.stream(name) is None
    with pytest.raises(KeyError):
        streams.see(name, FRAME, 71.0)


def test_a_watch_reports_when_yes_is_probable_enough(streams: LiveStreams) -> None:
    name = streams.begin()
    streams.watch(name, Watch("yes?", 0.8))
    assert streams.see(name, FRAME, 0.0)["probability"] == pytest.approx(0.9)
    assert streams.see(name, FRAME, 1.0)["found"]
    streams.watch(name, Watch("a cat?", 0.8))
    assert not streams.see(name, FRAME, 2.0)["found"]
    streams.watch(name, None)
    assert "found" not in streams.see(name, FRAME, 3.0)


def test_idle_streams_give_their_place_up() -> None:
    now = [0.0]
    streams = LiveStreams(FakeAssistant(), lambda: now[0])
    names = [streams.begin() for _ in range(MOST)]
    with pytest.raises(ValueError, match="Too many live pictures"):
        streams.begin()
    now[0] = IDLE - 1
    streams.see(names[0], FRAME, 0.0)
    now[0] = IDLE + 1
    streams.begin()
    assert streams.stream(names[0]) is not None


def test_a_question_sees_the_stream_beside_its_files(streams: LiveStreams) -> None:
    name = streams.begin()
    streams.see(name, FRAME, 0.0)
    assistant = FakeAssistant()
    live = MediaSource(CAMERA, stream=streams.stream(name))
    *_, view = stream_chat(assistant, Chat(), Wanted(0, "What now?"), live=live)
    assert [strip.name for strip in view.chat.turns[0].strips] == ["live picture"]
    assert view.chat.turns[0].files == ()


def test_a_film_that_grows_is_seen_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "growing.mkv"
    options = Namespace(frames=None, looks=None, tiles=None, length=64, temperature=0.0, seed=None)
    terminal = Terminal(FakeAssistant(), Namespace(files=[], **vars(options)))  # type: ignore[arg-type]
    terminal.command(f"/follow {film}")
    assert "no such file" in capsys.readouterr().out
    write_video(film, frames=30, fps=10, size=(160, 128))
    terminal.command(f"/follow {film}")
    terminal.ask("What now?")
    assert terminal.growing is not None
    assert [frame.time for frame in terminal.growing.stream.frames] == [0.5, 1.5, 2.5]
    write_video(film, frames=50, fps=10, size=(160, 128))
    terminal.ask("And now?")
    assert terminal.growing.stream.num_seen == 5
    assert len(terminal.chat.turns) == 2
    terminal.command("/follow")
    assert terminal.growing is None


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("width=6&height=4&time=0", FRAME.tobytes()[:-1]),
        ("width=6&height=4&time=nan", FRAME.tobytes()),
        ("width=6&height=4&time=-1", FRAME.tobytes()),
        ("width=0&height=4&time=0", b""),
        ("width=100000&height=4&time=0", b""),
    ],
)
def test_what_is_no_frame_is_refused(
    streams: LiveStreams, client: TestClient, query: str, body: bytes
) -> None:
    name = streams.begin()
    assert client.post(f"/live/{name}/frame?{query}", content=body).status_code == 400
    good = "width=6&height=4&time=0"
    assert client.post(f"/live/{name}/frame?{good}", content=FRAME.tobytes()).json()["seen"] == 1
    answer = client.post(f"/live/{'x' * 22}/frame?{good}", content=FRAME.tobytes())
    assert answer.status_code == 404


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"question": "?", "threshold": 2}', "5"])
def test_what_is_no_watch_is_refused(streams: LiveStreams, client: TestClient, body: str) -> None:
    name = streams.begin()
    assert client.post(f"/live/{name}/watch", content=body).status_code == 400
    wanted = '{"question": "yes?", "threshold": 0.5}'
    assert client.post(f"/live/{name}/watch", content=wanted).status_code == 200
    assert client.post(f"/live/{'x' * 22}/watch", content="null").status_code == 404
