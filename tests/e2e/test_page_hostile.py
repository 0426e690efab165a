"""Attacks the real server over HTTP: files, devices, addresses, foreign uploads, other routes."""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from waiting import until

from app.page.web.gate import API, MAX_JSON

SECRET = "the words of a private file"
READY = re.compile(r"is ready at  http://localhost:(\d+)/")


class Server:
    """`python -m app chat` in a folder that has a private file, with temporary files of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.secret = folder / "private.txt"
        self.secret.write_text(SECRET)
        (folder / ".env").write_text(SECRET)
        self._printed = folder / "printed.txt"
        root = str(Path(__file__).parents[2])
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "chat", "--port", "0", *options],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": root, "GRADIO_TEMP_DIR": str(self.temporary)},
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        until(lambda: READY.search(self.printed()) or self.process.poll() is not None, 240)
        ready = READY.search(self.printed())
        assert ready, f"the server did not start: {self.printed()}"
        self.address = f"http://127.0.0.1:{ready[1]}"

    def printed(self) -> str:
        return self._printed.read_text(encoding="utf-8")

    def end(self) -> str:
        """Terminates the server and returns what it printed."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        return self.printed()

    def visitor(self) -> httpx.Client:
        """A browser that has opened the page."""
        client = httpx.Client(base_url=self.address, timeout=120)
        client.get("/")
        return client

    def kept(self) -> bytes:
        """All that lies in the folder the server hands files out from."""
        found = b""
        for path in self.temporary.rglob("*"):
            with contextlib.suppress(OSError):  # a folder, or a file that is deleted meanwhile
                found += path.read_bytes()
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, embedded_folder: Path) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("served"))
    yield running
    running.end()


def file_data(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def upload(client: httpx.Client, name: str, content: bytes) -> str:
    [path] = client.post(f"{API}/upload", files={"files": (name, content)}).json()
    return path


def events(client: httpx.Client) -> Iterator[tuple[int, list]]:
    """Every event of the page with its inputs' types."""
    config = client.get("/config").json()
    types = {part["id"]: part["type"] for part in config["components"]}
    for event in config["dependencies"]:
        yield event["id"], [types[number] for number in event["inputs"]]


def send(client: httpx.Client, event: int, data: list, path: str = "run/predict") -> httpx.Response:
    body = {"data": data, "fn_index": event, "session_hash": secrets.token_hex(6)}
    return client.post(f"{API}/{path}", json=body)


def test_no_event_accepts_a_file_that_was_not_uploaded(server: Server) -> None:
    client = server.visitor()
    taking = 0
    for event, types in events(client):
        for place in range(len(types)):
            for path in (str(server.secret), "/dev/zero", "/etc/passwd", "http://127.0.0.1:9/a"):
                for value in (file_data(path), {"text": "What?", "files": [file_data(path)]}):
                    data = [None] * len(types)
                    data[place] = value  # type: ignore[call-overload]
                    for door in ("run/predict", "queue/join"):
                        answer = send(client, event, data, door)
                        assert answer.status_code == 403, (event, place, path, door)
        taking += any(name in ("multimodaltextbox", "image", "video") for name in types)
    assert taking >= 4  # questions, camera and film: if none takes files, this test tests nothing
    assert SECRET.encode() not in server.kept()


def test_uploads_are_served_only_to_their_sender(server: Server) -> None:
    mine, yours = server.visitor(), server.visitor()
    path = upload(mine, "mine.png", b"my own words")
    assert mine.get(f"{API}/file={path}").content == b"my own words"
    assert yours.get(f"{API}/file={path}").status_code == 403
    assert httpx.get(f"{server.address}{API}/file={path}").status_code == 403
    [camera] = [event for event, types in events(yours) if types == ["multimodaltextbox", "image"]]
    forged = [{"text": "", "files": [file_data(path)]}, None]
    assert send(yours, camera, forged).status_code == 403
    assert send(mine, camera, forged).status_code == 200


def test_files_next_to_an_upload_cannot_be_reached(server: Server) -> None:
    client = server.visitor()
    path = upload(client, "a.png", b"x")
    for other in (f"{path}/../../../../private.txt", str(server.secret), "private.txt", ".env"):
        assert client.get(f"{API}/file={other}").status_code == 403
    for other in (str(server.secret), "../private.txt", f"{Path(path).parent}/../.lock"):
        assert client.get(f"{API}/file%3D{other}").status_code in (403, 404)


def test_file_names_stored_by_a_tab_never_become_paths(server: Server) -> None:
    client = server.visitor()
    files = [{"key": "private.txt", "name": "a", "path": str(server.secret)}, {"key": "/.env"}]
    turn = {"parent": -1, "shown": True, "question": "What is this?", "files": files, "answer": ""}
    stored = json.dumps({"session": "", "turns": [turn]})
    for event, types in events(client):
        data = [stored if name == "textbox" else None for name in types]
        answer = send(client, event, data)
        assert str(server.secret) not in answer.text.replace(json.dumps(stored)[1:-1], "")
        assert f"{API}/file=" not in answer.text
    assert SECRET.encode() not in server.kept()


def test_only_own_uploads_are_called_held(server: Server) -> None:
    mine, yours = server.visitor(), server.visitor()
    path = upload(mine, "mine.png", b"my own words")
    asked = [path, str(server.secret), "/etc/passwd", "/dev/zero", "", f"{path}/../mine.png"]
    assert mine.post("/held", json=asked).json() == [path]
    assert yours.post("/held", json=asked).json() == []
    for broken in (b"{", b"[" * 10_000, b"[1]", b'{"a": 1}', b'"x"'):
        assert mine.post("/held", content=broken).status_code == 400
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert mine.post("/held", json=asked, headers=elsewhere).status_code == 403


def test_live_pictures_need_a_name_that_was_issued(server: Server) -> None:
    client = server.visitor()
    for name in ("x" * 22, "..%2f..%2fchat", "x", "x" * 23):
        for what in ("frame?width=1&height=1&time=0", "watch", "end/more", "other"):
            assert client.post(f"/live/{name}/{what}", content=b"\0\0\0").status_code == 404
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(f"/live/{'x' * 22}/watch", headers=elsewhere).status_code == 403


def test_scripts_are_served_by_name_only(server: Server) -> None:
    client = server.visitor()
    assert client.get("/page/main.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/page/chats.css").headers["content-type"].startswith("text/css")
    for name in ("nothing.js", "..%2Fpage.css", "..%2f..%2fchat.py", "%2e%2e/icon.png"):
        assert client.get(f"/page/{name}").status_code == 404


def test_only_the_routes_of_the_page_respond(server: Server) -> None:
    client = server.visitor()
    for path in (
        "info",
        "openapi.json",
        "vibe-code",
        "proxy=http://127.0.0.1:9/",
        "runs",
        "call/x",
    ):
        assert client.get(f"{API}/{path}").status_code == 404
        assert client.post(f"{API}/{path}", json={}).status_code == 404
    for path in ("component_server", "process_recording", "vibe-edit", "run/begin", "api/predict"):
        assert client.post(f"{API}/{path}", json={}).status_code == 404
    assert client.get("/monitoring").status_code == 404
    assert client.put("/").status_code == 404


def test_uploads_from_other_sites_are_refused(server: Server) -> None:
    client = server.visitor()
    files = {"files": ("a.png", b"x")}
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{API}/upload", files=files, headers=elsewhere).status_code == 403


def test_an_upload_without_a_cookie_belongs_to_the_cookie_it_gets(server: Server) -> None:
    first, second = (httpx.Client(base_url=server.address, timeout=120) for _ in range(2))
    path = upload(first, "a.png", b"x")
    assert first.get(f"{API}/file={path}").status_code == 200
    assert second.get(f"{API}/file={path}").status_code == 403
    assert httpx.get(f"{server.address}{API}/file={path}").status_code == 403


def test_oversized_and_malformed_requests_are_refused(server: Server) -> None:
    client = server.visitor()
    door = f"{API}/run/predict"
    assert client.post(door, content=b"[" * (MAX_JSON + 1)).status_code == 413
    assert client.post(door, content=b"[" * (MAX_JSON - 1)).status_code == 400
    for broken in (b'{"data": NaN}', b"\xff", b'{"data": ' + b"[" * 400 + b"]" * 400 + b"}"):
        assert client.post(door, content=broken).status_code == 400


def test_lone_surrogates_and_invalid_settings_do_not_break_the_server(server: Server) -> None:
    client = server.visitor()
    for event, types in events(client):
        body = json.dumps({"data": [None] * len(types), "fn_index": event, "session_hash": "abc"})
        for hostile in ('"\\ud83d"', '{"text": "\\ud83d", "files": []}', "1e999", "-1", "[]"):
            sent = body.replace("null", hostile, 1)
            answer = client.post(f"{API}/run/predict", content=sent)
            assert "Traceback" not in answer.text
            assert str(server.secret.parent) not in answer.text
    assert client.get("/").status_code == 200


def test_an_interrupted_upload_leaves_no_file(server: Server) -> None:
    client = server.visitor()

    def some() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
        yield b"f" * 100_000
        raise ConnectionError

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "10000000"}
    with pytest.raises(ConnectionError):
        client.post(f"{API}/upload", content=some(), headers=headers)
    until(lambda: b"f" * 1000 not in server.kept())


def test_the_folder_is_private_and_deleted_at_shutdown(
    tmp_path: Path, embedded_folder: Path
) -> None:
    server = Server(tmp_path, "--auth", "ann:secret")
    try:
        [folder] = server.temporary.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        client = server.visitor()
        for path in ("/config", f"{API}/file=x", f"{API}/queue/data"):
            assert client.get(path).status_code in (401, 403)
        wrong = {"username": "ann", "password": "guess"}
        assert client.post("/login", data={"username": "ann", "password": "secret"}).is_success
        assert client.get("/config").status_code == 200
        open_page = client.send(client.build_request("GET", f"{API}/heartbeat/a"), stream=True)
        assert open_page.status_code == 200
        guessing = server.visitor()
        answers = [guessing.post("/login", data=wrong).status_code for _ in range(12)]
        assert (answers[0], answers[-1]) == (400, 429)
    finally:
        printed = server.end()
    assert list(server.temporary.iterdir()) == []
    assert "Traceback" not in printed
