"""The server around the page: headers, who may come in, ports, pictures."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_assistant import FakeAssistant
from fastapi.testclient import TestClient

from app.chat import stream_chat
from app.looks import Wanted
from app.page.asking.examples import EXAMPLES
from app.page.kept.sessions import Sessions
from app.page.web.server import build_app
from app.serve.listening import listen_near
from app.turns import Chat


@pytest.fixture(scope="module")
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture(scope="module")
def client(sessions: Sessions) -> Iterator[TestClient]:
    app = build_app(FakeAssistant(), sessions=sessions)
    with TestClient(app, base_url="http://127.0.0.1") as started:
        yield started


def test_every_response_has_headers_that_disarm_hostile_answers(client: TestClient) -> None:
    for path in ("/", "/config", "/frames/nothing/0.jpg"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "form-action 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_another_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_files_of_this_machine_are_not_served(client: TestClient) -> None:
    for path in ("/etc/passwd", "app/page/ui.py", "/proc/self/environ"):
        assert client.get(f"/gradio_api/file={path}").status_code == 403


def test_frames_are_served_only_under_their_key(client: TestClient, sessions: Sessions) -> None:
    *_, last = stream_chat(FakeAssistant(), Chat(), Wanted(0, "read it", (Path("clip.mp4"),)))
    sessions.put("someone", last.chat)
    key = last.chat.turns[0].strips[0].key
    picture = client.get(f"/frames/{key}/7.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content[:2] == b"\xff\xd8"
    assert client.get(f"/frames/{key}/8.jpg").status_code == 404
    assert client.get("/frames/guess/0.jpg").status_code == 404
    boxed = client.get(f"/frames/{key}/boxes/7.jpg")
    assert boxed.content[:2] == b"\xff\xd8"
    assert boxed.content != picture.content
    assert client.get(f"/frames/{key}/boxes/8.jpg").status_code == 404
    assert client.get("/frames/guess/boxes/0.jpg").status_code == 404


def test_a_frame_that_no_expert_saw_has_no_boxes(client: TestClient, sessions: Sessions) -> None:
    *_, last = stream_chat(FakeAssistant(), Chat(), Wanted(0, "What?", (Path("photo.png"),)))
    sessions.put("someone", last.chat)
    key = last.chat.turns[0].strips[0].key
    assert client.get(f"/frames/{key}/0.jpg").status_code == 200
    assert client.get(f"/frames/{key}/boxes/0.jpg").status_code == 404


def test_no_event_is_a_named_endpoint(client: TestClient) -> None:
    events = client.get("/config").json()["dependencies"]
    assert all(event["api_visibility"] == "private" for event in events)


def test_a_configured_password_is_required() -> None:
    app = build_app(FakeAssistant(), auth=("ann", "secret"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/config").status_code == 401
        client.post("/login", data={"username": "ann", "password": "secret"})
        assert client.get("/config").status_code == 200


def test_a_taken_port_is_replaced_by_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with listen_near("127.0.0.1", port) as ours:
            assert port < ours.getsockname()[1] < port + 20
        with pytest.raises(ValueError, match="--port"):
            listen_near("127.0.0.1", port, tries=1)


def test_every_example_exists_and_is_small() -> None:
    folder = EXAMPLES[0].path.parent
    assert all(e.path.is_file() and e.picture.is_file() for e in EXAMPLES)
    credits = (folder / "CREDITS.md").read_text(encoding="utf-8")
    assert all(e.path.name in credits for e in EXAMPLES)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_500_000
