"""After every fault the next request is answered, and nothing of the last one is left."""

import errno
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
import torch
from media_maker import write_video
from served import MODEL, Served, data_url, image_part, picture, served, video_part
from waiting import until

from vlm.inference.decoding.decode_batch import DecodeBatch

HELLO: list[Any] = [{"role": "user", "content": "Go on."}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> str:
    clip = write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", 40, fps=10, size=(64, 48))
    return data_url(clip.read_bytes())


def is_clean(server: Served) -> bool:
    """Whether no request runs and no file of one is left."""
    folder = server.service.folder / "requests"
    return server.service.admission.running == 0 and not any(folder.iterdir())


FAULTS = [
    (RuntimeError("boom at /root/secret"), 500, "internal"),
    (ValueError("boom at /root/secret"), 500, "internal"),  # of a library, not a sentence of ours
    (torch.OutOfMemoryError("boom at /root/secret"), 503, "insufficient_memory"),
    (MemoryError(), 503, "insufficient_memory"),
]


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS, ids=lambda x: type(x).__name__)
def test_a_model_that_fails_is_answered_in_words(
    server: Served, fault: Exception, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(DecodeBatch, "step", _raise(fault))
        answer = server.chat("Go on.")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert "secret" not in answer.text
    assert server.chat("Go on.").status_code == 200
    until(lambda: is_clean(server))


def _raise(fault: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise fault

    return fail


def test_a_fault_within_a_stream_ends_it_with_an_error_that_clients_raise(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, real = [0], DecodeBatch.step

    def third_fails(batch: DecodeBatch) -> None:
        steps[0] += 1
        if steps[0] == 3:
            raise RuntimeError("boom")
        real(batch)

    monkeypatch.setattr(DecodeBatch, "step", third_fails)
    body = {"messages": HELLO, "stream": True, "max_tokens": 50}
    lines = server.client.post("/v1/chat/completions", json=body).text.strip().split("\n\n")
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2][6:])["error"]["code"] == "internal"
    steps[0] = 0
    client = openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0)
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, max_tokens=50)
    with pytest.raises(openai.APIError, match="Internal error"):
        list(stream)


def test_a_killed_decoder_costs_at_most_its_own_request(server: Served, film: str) -> None:
    content = [video_part(film, num_frames=2), {"type": "text", "text": "What?"}]
    assert server.chat(content).status_code == 200
    for child in psutil.Process().children():
        if "vlm.media" in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)
    broken = server.chat([video_part(film, num_frames=3), {"type": "text", "text": "What?"}])
    assert broken.status_code in (200, 422)
    last = server.chat([video_part(film, num_frames=4), {"type": "text", "text": "What?"}])
    assert last.status_code == 200
    until(lambda: is_clean(server))


def test_a_full_disk_is_answered_in_words(
    server: Served, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/secret")

    form = {"file": ("clip.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 100)}
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        patched.setattr("app.serve.handlers.files.shutil.copyfileobj", full)
        for answer in (
            server.chat([video_part(film), {"type": "text", "text": "What?"}]),
            server.client.post("/v1/files", files=form, data={"purpose": "user_data"}),
        ):
            assert answer.status_code == 507
            assert answer.json()["error"]["code"] == "disk_full"
            assert "secret" not in answer.text
    assert server.chat([video_part(film), {"type": "text", "text": "What?"}]).status_code == 200
    until(lambda: not any((server.service.folder / "files").iterdir()))
    until(lambda: is_clean(server))


def leave(server: Served, body: dict[str, Any], wait: Callable[[], object]) -> None:
    """Sends a request, waits, and closes the connection."""
    content = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2]))) as sock:
        sock.sendall(head.encode() + content)
        wait()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_clients_that_leave_at_any_moment_leave_nothing(
    server: Served, film: str, stream: bool
) -> None:
    content = [video_part(film), {"type": "text", "text": "Go on."}]
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "stream": stream}
    server.chat(content)
    until(lambda: is_clean(server))
    process = psutil.Process()
    files = process.num_fds()
    for i in range(12):  # during the body, decoding, the tower, the prompt, the answer
        start = [
            {"role": "user", "content": f"Question {i}."},
            {"role": "assistant", "content": ""},
        ]
        wait = partial(time.sleep, i * 0.03)
        leave(server, {**body, "messages": start + body["messages"]}, wait)
    until(lambda: is_clean(server))
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"answer", "read media"})
    until(lambda: process.num_fds() <= files + 4)


def test_a_client_that_leaves_while_its_film_is_decoded_ends_the_decoding(
    server: Served, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, cancelled = threading.Event(), threading.Event()

    def slow(*_: object, cancel: threading.Event, **__: object) -> None:
        reading.set()
        assert cancel.wait(60)
        cancelled.set()
        raise RuntimeError

    monkeypatch.setattr(server.service.assistant.reader, "read_video", slow)
    content = [video_part(film, num_frames=7), {"type": "text", "text": "Go on."}]
    body = {"messages": [{"role": "user", "content": content}]}
    leave(server, body, lambda: reading.wait(60))
    assert cancelled.wait(60)
    until(lambda: is_clean(server))


def test_a_stream_that_nobody_reads_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.serve.limits import ServeLimits

    begun = threading.Event()

    def large(*_: object) -> str:
        begun.set()
        return "x" * 100_000

    monkeypatch.setattr("app.serve.handlers.chat.logprobs_of", large)
    with served(tmp_path, ServeLimits(idle_seconds=0.5)) as server:
        body = json.dumps({"messages": HELLO, "stream": True, "max_tokens": 500}).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        port = int(server.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(head.encode() + body)
            assert begun.wait(60)
            until(lambda: is_clean(server))


def test_many_at_once_each_get_the_answer_to_their_own_picture(server: Served) -> None:
    colors = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]
    contents = [[image_part(picture(color)), {"type": "text", "text": "?"}] for color in colors]
    alone = [server.chat(content).json()["choices"][0]["message"] for content in contents]
    assert len({message["content"] for message in alone}) > 1
    found: dict[int, dict[str, Any]] = {}

    def ask(i: int) -> None:
        with httpx.Client(timeout=120, trust_env=False) as client:
            messages = [{"role": "user", "content": contents[i % 4]}]
            body = {"messages": messages, "max_tokens": 8}
            answer = client.post(f"{server.address}/v1/chat/completions", json=body)
        found[i] = answer.json()["choices"][0]["message"]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(12)] == [alone[i % 4] for i in range(12)]
