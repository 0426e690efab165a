"""The server refuses what is too much at once, and stays what it was."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Served, image_part, picture, served
from waiting import gate_before, until

from app.serve.answer.admission import Admission
from app.serve.errors import APIError
from app.serve.limits import ServeLimits
from app.serve.listening import listen
from vlm.inference.decoding.decode_batch import DecodeBatch
from vlm.inference.decoding.scheduler import Scheduler

LIMITS = ServeLimits(
    body=200_000, running=2, queue=2, per_key=50, messages=10, media=2, text=5000, seconds=240
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve"), LIMITS) as running:
        yield running


def post(server: Served, content: bytes, kind: str = "application/json") -> httpx.Response:
    return server.client.post(
        "/v1/chat/completions", content=content, headers={"Content-Type": kind}
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'"text"', 400),
        (b'{"messages": NaN}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 60 + b"1" + b"}" * 60, 400),
        (b'{"messages": "' + b"a" * 300_000 + b'"}', 413),
    ],
    ids=["cut", "bytes", "a string", "NaN", "deep", "nested", "large"],
)
def test_a_body_that_is_no_request_is_refused_in_words(
    server: Served, body: bytes, status: int
) -> None:
    answer = post(server, body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_form_of_another_site_is_refused(server: Served) -> None:
    body = b'{"messages": [{"role": "user", "content": "Hello"}]}'
    assert post(server, body, "text/plain").status_code == 415
    crossing = {"Sec-Fetch-Site": "cross-site"}
    assert server.client.get("/v1/models", headers=crossing).status_code == 403
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1:80@evil.example", ""):
        answer = server.client.get("/v1/models", headers={"Host": name})
        assert answer.status_code == 400, name
        assert answer.json()["error"]["code"] == "unknown_host"
    for name in ("localhost", "LOCALHOST:8000", "[::1]:8000"):
        assert server.client.get("/v1/models", headers={"Host": name}).status_code == 200, name


def test_messages_text_and_media_are_bounded(server: Served) -> None:
    many = [{"role": "user", "content": "a"}] * 11
    assert server.client.post("/v1/chat/completions", json={"messages": many}).status_code == 400
    assert server.chat("a" * 5001).json()["error"]["code"] == "context_length_exceeded"
    assert server.chat([image_part(picture())] * 3).status_code == 400


def test_the_surplus_of_a_queue_is_refused_at_once_and_the_rest_is_answered(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, codes = server.service, []

    def ask() -> None:
        with httpx.Client(timeout=120, trust_env=False) as client:
            body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
            answer = client.post(f"{server.address}/v1/chat/completions", json=body)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
        codes.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    with gate_before(monkeypatch, Scheduler, "tokens"):
        for thread in threads:
            thread.start()
        until(lambda: len(codes) == 4)
        assert codes == [429] * 4
        assert server.client.get("/health").status_code == 200
        assert service.admission.waiting == 2
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 4 + [429] * 4
    until(lambda: service.admission.running == 0)  # the thread of the last ends a little later


def test_a_waiting_client_that_leaves_gives_its_place_back(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission = server.service.admission
    body = b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}'
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port, opened = int(server.address.rpartition(":")[2]), []
    with gate_before(monkeypatch, Scheduler, "tokens"), contextlib.ExitStack() as connections:
        for _ in range(4):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(head.encode() + body)
            until(lambda: admission.running + admission.waiting == len(opened) + 1)
            opened.append(connection)
        for connection in opened[2:]:
            connection.close()
        until(lambda: admission.waiting == 0)
        assert admission.running == 2
    until(lambda: admission.running == 0)


def test_one_key_has_no_more_than_its_share() -> None:
    async def run() -> None:
        admission = Admission(ServeLimits(running=5, per_key=2))
        leases = [await admission.enter("ann") for _ in range(2)]
        with pytest.raises(APIError) as refused:
            await admission.enter("ann")
        assert refused.value.status == 429
        await admission.enter("ben")
        leases[0].drop()
        await admission.enter("ann")
        admission.draining = True
        with pytest.raises(APIError) as refused:
            await admission.enter("ben")
        assert refused.value.status == 503

    asyncio.run(run())


def test_a_draining_server_refuses_new_requests_and_ends_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"messages": [{"role": "user", "content": "Go on."}], "max_tokens": 50, "stream": True}
    with (
        served(tmp_path) as server,
        gate_before(monkeypatch, DecodeBatch, "_step_shared", free=2) as gate,
        server.client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        gate.reached()  # in the middle of the answer
        server.service.admission.draining = True
        assert httpx.get(f"{server.address}/health", trust_env=False).status_code == 503
        assert server.chat("Hello").status_code == 503
        server.service.stops.set_all()
        gate.open()
        rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2][6:])["error"]["code"] == "draining"
        assert gate.passed == 3, "no word after the one that was being computed"


def test_answers_leave_at_once_on_kept_connections() -> None:
    """Without TCP_NODELAY every answer but a connection's first waits 40 ms."""
    found: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def ask() -> None:
        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()

    asyncio.run(ask())
    assert found == [1]
