"""Hostile requests: slow, endless, malformed, and files that are made to harm."""

import contextlib
import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_maker import lie_about_samples, write_video
from served import Served, data_url, image_part, picture, served, video_part
from waiting import until

from app.serve.errors import APIError
from app.serve.limits import ServeLimits
from app.serve.request.body import Room
from app.serve.request.chat import parse_chat
from app.serve.request.responses import parse_responses
from vlm.media.confined.limits import Limits

LIMITS = ServeLimits(bodies=3_000_000, body=2_000_000, quota=3_000_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve"), LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", 40, fps=10, size=(64, 48))


def connected(server: Served) -> socket.socket:
    port = int(server.address.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def status(sock: socket.socket) -> int:
    return int(sock.recv(100).split()[1])


def head(path: str, length: int | None, kind: str = "application/json") -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{size}\r\n\r\n"
    return lines.encode()


def is_empty(server: Served) -> bool:
    """Whether no upload is left, arriving ones included."""
    store = server.service.store
    return not any(store.folder.iterdir()) and store.used("everyone") == 0


FORM = "multipart/form-data; boundary=x"
BEGUN = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n\0\0\0\x18ftyp'
)


@pytest.mark.parametrize(
    ("path", "kind", "begun"),
    [("/v1/chat/completions", "application/json", b'{"mess'), ("/v1/files", FORM, BEGUN)],
    ids=["question", "upload"],
)
def test_a_body_that_stops_is_given_up(
    server: Served, tmp_path: Path, path: str, kind: str, begun: bytes
) -> None:
    with served(tmp_path, replace(LIMITS, idle_seconds=0.5)) as hasty:
        with connected(hasty) as sock:
            sock.sendall(head(path, 100_000, kind) + begun)
            assert status(sock) == 408
        until(lambda: is_empty(hasty))
    with connected(server) as sock:  # and one whose client leaves
        sock.sendall(head(path, 100_000, kind) + begun)
    until(lambda: is_empty(server))


def test_a_body_without_an_end_is_given_up(server: Served) -> None:
    piece = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with connected(server) as sock:
        sock.sendall(head("/v1/chat/completions", None))
        try:
            for _ in range(200):
                sock.sendall(piece)
        except OSError:  # refused before it was sent
            return
        assert status(sock) == 413


def test_bodies_that_wait_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[Room] = []
    monkeypatch.setattr("app.serve.routes.Room", lambda size: rooms.append(Room(size)) or rooms[0])
    with served(tmp_path, LIMITS) as server:
        text = {"role": "user", "content": "a" * 1_200_000}
        with connected(server) as first:
            first.sendall(head("/v1/chat/completions", 1_900_000) + b'{"mess')
            until(lambda: rooms[0].free == LIMITS.bodies - 1_900_000)
            answer = server.client.post("/v1/chat/completions", json={"messages": [text]})
            assert answer.status_code == 429
            assert answer.headers["Retry-After"]
            assert server.chat("Hello").status_code == 200
        until(lambda: rooms[0].free == LIMITS.bodies)
        answer = server.client.post("/v1/chat/completions", json={"messages": [text]})
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_twenty_uploads_at_once_are_kept_or_refused_whole(server: Served, clip: Path) -> None:
    film = clip.read_bytes()
    film += b"\0" * (300_000 - len(film))
    codes = []

    def upload() -> None:
        with httpx.Client(timeout=120, trust_env=False) as client:
            form = {"file": ("clip.mp4", film)}
            codes.append(client.post(f"{server.address}/v1/files", files=form).status_code)

    threads = [threading.Thread(target=upload) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {200, 413}
    kept = server.client.get("/v1/files").json()["data"]
    assert 1 <= len(kept) == codes.count(200) <= 9, "the quota holds nine"
    for file in kept:
        assert server.client.delete(f"/v1/files/{file['id']}").status_code == 200
    assert is_empty(server)


def odd_files(folder: Path) -> dict[str, bytes]:
    good = write_video(folder / "good.mp4", 40, fps=10, size=(64, 48)).read_bytes()
    lying = lie_about_samples(write_video(folder / "lying.mp4", 40, fps=10, size=(64, 48)))
    zeros = bytearray(good)
    zeros[good.index(b"mdat") + 100 : good.index(b"mdat") + 2000] = bytes(1900)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(
        ">I4sIIBBBBB", 13, b"IHDR", 60000, 60000, 1, 0, 0, 0, 0
    )
    return {
        "empty": b"",
        "text": b"no film at all",
        "playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/film.ts\n",
        "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "vector": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>',
        "bomb": bomb + bytes(100),
        "cut": good[: len(good) // 2],
        "holes": bytes(zeros),
        "lying count": lying.read_bytes(),
        "header alone": good[:40],
    }


def test_hostile_files_are_refused_or_read_and_the_next_film_is_answered(
    server: Served, clip: Path, tmp_path: Path
) -> None:
    film = data_url(clip.read_bytes())
    right = server.chat([video_part(film), {"type": "text", "text": "What?"}]).json()
    for name, content in odd_files(tmp_path).items():
        part = video_part(data_url(content))
        answer = server.chat([part, {"type": "text", "text": "What?"}])
        assert answer.status_code in (200, 400, 422), name
        if answer.status_code != 200:
            error = answer.json()["error"]
            assert error["param"] == "messages[0].content[0]", name
            assert str(server.service.folder) not in answer.text, name
            assert "/" not in error["message"].replace("/v1/files", ""), name
    assert (
        server.chat([video_part(film), {"type": "text", "text": "What?"}]).json()["choices"]
        == right["choices"]
    )
    until(lambda: not any((server.service.folder / "requests").iterdir()))


def test_a_request_cannot_raise_the_limits_of_files(clip: Path, tmp_path: Path) -> None:
    from tiny import tiny_assistant

    assistant = tiny_assistant(limits=Limits(duration=2.0, pixels=1000, file_bytes=20_000))
    with served(tmp_path, assistant=assistant) as server:
        long = server.chat([video_part(data_url(clip.read_bytes()), num_frames=10**6), "What?"])
        wide = server.chat([image_part(picture(size=(60, 60))), "What?"])
        large = server.chat([video_part(data_url(bytes(30_000))), "What?"])
    assistant.close()
    assert [long.status_code, wide.status_code, large.status_code] == [422, 422, 413]
    assert large.json()["error"]["code"] == "media_too_large"


class Counting(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        Counting.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


ADDRESSES = [
    "http://127.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://127.1:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://localhost:{port}/",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "concat:/etc/passwd",
]


@pytest.mark.parametrize("hosts", [(), ("localhost", "127.0.0.1")], ids=["default", "named hosts"])
def test_no_address_of_this_machine_is_asked(hosts: tuple[str, ...], tmp_path: Path) -> None:
    Counting.asked.clear()
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    with served(tmp_path, media_hosts=hosts) as server:
        for address in ADDRESSES:
            url = address.format(port=target.server_address[1])
            for part in (
                image_part(url),
                video_part(url),
                {"type": "input_video", "input_video": url},
            ):
                answer = server.chat([part, {"type": "text", "text": "What?"}])
                assert answer.status_code in (400, 422), url
                assert url not in answer.text
                assert "127.0.0.1" not in answer.text
    target.shutdown()
    assert Counting.asked == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = (
    *("messages", "input", "model", "temperature", "top_p", "stop", "n", "seed", "stream"),
    *("max_tokens", "logprobs", "top_logprobs", "response_format", "stream_options", "looks"),
    *("num_frames", "tiles", "tools", "text", "metadata", "instructions", "media_io_kwargs"),
)
KINDS = ("text", "image_url", "video_url", "input_video", "video", "file", "image", "nothing")
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        name: VALUES | st.fixed_dictionaries({"url": VALUES}, optional={"fps": VALUES})
        for name in (*KINDS, "fps", "start", "end", "times")
    },
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "system"]),
            "content": VALUES | st.lists(PARTS),
        }
    ),
    max_size=3,
)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5) | VALUES, MESSAGES, st.booleans()
)
def test_no_json_breaks_the_parsers(body: Any, messages: list[Any], given_messages: bool) -> None:
    for name, parse in (("messages", parse_chat), ("input", parse_responses)):
        asked = {**body, name: messages} if given_messages and isinstance(body, dict) else body
        with contextlib.suppress(APIError):
            parse(asked, LIMITS)
