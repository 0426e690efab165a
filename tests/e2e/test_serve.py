"""The command itself, in a process of its own: it listens, drains, ends, and leaves nothing."""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from waiting import until

from app.__main__ import parse
from app.page.kept.uploads import _folder_and_lock
from app.serve.command import keys_of, serve
from app.serve.limits import ServeLimits
from app.serve.options import limits_of
from vlm.media.confined.limits import Limits

ROOT = Path(__file__).parents[2]
# The command with the tiny assistant in place of a model; every token takes a moment.
PROGRAM = """
import sys, time
sys.path[:0] = [{tests!r}]
from tiny import tiny_assistant
from app.__main__ import parse
from app.serve.command import serve
from vlm.inference.decoding.decode_batch import DecodeBatch
step = DecodeBatch.step
DecodeBatch.step = lambda self: (time.sleep(0.05), step(self))[1]
sys.exit(serve(parse(["serve", "--port", "0", "--model", "tiny", *sys.argv[1:]]), tiny_assistant))
"""


def options(*given: str) -> argparse.Namespace:
    return parse(["serve", *given])


def test_wrong_options_are_refused_before_a_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load() -> None:
        raise AssertionError

    monkeypatch.setenv("REVISIT_API_KEY", "")
    for given, words in (
        (("--host", "0.0.0.0"), "would admit anyone"),
        (("--api-key", "short"), "at least 8 characters"),
        (("--running", "0"), "--running is 0"),
        (("--port", "70000"), "--port is 70000"),
        (("--calibration", __file__), "is not a calibration"),
    ):
        with pytest.raises(ValueError, match=words):
            serve(options(*given), load)  # type: ignore[arg-type]


def test_limits_of_media_are_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits_of(options()) == (ServeLimits(), Limits()), "options have the usual limits"
    chosen = ("--max-file-mb", "3", "--max-megapixels", "2", "--max-duration", "60")
    own, media = limits_of(options("--queue", "0", *chosen))
    assert (own.queue, own.upload) == (0, 3 * 2**20)
    assert (media.file_bytes, media.pixels, media.duration) == (3 * 2**20, 2_000_000, 60)
    with pytest.raises(ValueError, match="--max-file-mb is 0"):
        limits_of(options("--max-file-mb", "0"))


def test_keys_come_from_options_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIT_API_KEY", "")
    assert not keys_of(options())
    monkeypatch.setenv("REVISIT_API_KEY", "key-number-1, key-number-2")
    assert len(keys_of(options("--api-key", "key-number-3"))) == 3


@contextlib.contextmanager
def running(
    temp: Path, *given: str, env: dict[str, str] | None = None, **how: Any
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yields a server's process, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(tests=str(ROOT / "tests")), *given],
        cwd=ROOT,
        env={**(os.environ if env is None else env), "GRADIO_TEMP_DIR": str(temp)},
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if " answers at " in line:
                break
        is_checked = any("Cache check passed" in line for line in lines)
        assert is_checked == ("--verify-cache" in given), lines
        yield process, lines[-1].split()[-1].removesuffix("/v1")
    finally:
        process.kill()
        process.wait()


def test_sigterm_lets_answers_end_and_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "temp", "--drain", "200", "--verify-cache") as (process, address):
        _end_during_an_answer(process, address)
    assert not list((tmp_path / "temp").glob("*"))


def _end_during_an_answer(process: subprocess.Popen[str], address: str) -> None:
    body = {
        "messages": [{"role": "user", "content": "Go on."}],
        "max_tokens": 40,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with (
        httpx.Client(timeout=240, trust_env=False) as client,
        client.stream("POST", f"{address}/v1/chat/completions", json=body) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(address))
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert json.loads(rest[-2][6:])["usage"]["completion_tokens"] > 0, "ended as usual"
    process.wait(120)


def _listens(address: str) -> bool:
    try:
        httpx.get(f"{address}/health", trust_env=False)
    except httpx.TransportError:
        return False
    return True


def test_streams_that_outlast_the_drain_end_with_an_error_and_no_process_stays(
    tmp_path: Path,
) -> None:
    """On one processor, without a home, in a locale without UTF-8."""
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "HF_HUB_OFFLINE": "1"}

    def one_processor() -> None:
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])

    body = {
        "messages": [{"role": "user", "content": "Où ? 🎈"}],
        "max_tokens": 4000,
        "stream": True,
    }
    temp = tmp_path / "temp"
    with (
        running(temp, "--drain", "0.3", env=bare, preexec_fn=one_processor) as (process, address),
        httpx.Client(timeout=240, trust_env=False) as client,
        contextlib.ExitStack() as streams,
    ):
        asked = [
            streams.enter_context(
                client.stream("POST", f"{address}/v1/chat/completions", json=body)
            ).iter_lines()
            for _ in range(3)
        ]
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        for lines in asked:
            rest = [line for line in lines if line]
            assert rest[-1] == "data: [DONE]"
            assert json.loads(rest[-2][6:])["error"]["code"] == "draining"
        assert process.wait(120) in (0, 143)
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
    assert not list(temp.glob("*"))


def test_a_port_or_folder_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(limits: Limits) -> None:
        raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(ValueError, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve(options("--port", port), load)  # type: ignore[arg-type]
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file" / "temp"))
    with pytest.raises(ValueError, match="set GRADIO_TEMP_DIR to one that can be written"):
        _folder_and_lock.__wrapped__()
    with pytest.raises(ValueError, match="is not a folder"):
        serve(options("--media-dir", str(tmp_path / "file")), load)  # type: ignore[arg-type]
