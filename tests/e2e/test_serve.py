"""The command itself, in a process of its own: it listens, drains, ends, and leaves nothing."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.serve.command import keys_of, limits_of, serve
from app.serve.options import add_serve_options

ROOT = Path(__file__).parents[2]
# The command with the tiny assistant in place of a model; every token takes a moment.
PROGRAM = """
import sys, time
sys.path[:0] = [{tests!r}]
from tiny import tiny_assistant
from app.__main__ import parse
from app.serve.command import serve
from vlm.inference.decode_batch import DecodeBatch
step = DecodeBatch.step
DecodeBatch.step = lambda self: (time.sleep(0.05), step(self))[1]
sys.exit(serve(parse(["serve", "--port", "0", "--model", "tiny", *sys.argv[1:]]), tiny_assistant))
"""


def options(*given: str) -> argparse.Namespace:
    command = argparse.ArgumentParser()
    add_serve_options(command)
    return command.parse_args(given)


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
        (("--calibration", __file__), "is no calibration"),
    ):
        with pytest.raises(ValueError, match=words):
            serve(options(*given), load)  # type: ignore[arg-type]
    assert limits_of(options("--queue", "0")).queue == 0


def test_keys_come_from_options_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIT_API_KEY", "")
    assert not keys_of(options())
    monkeypatch.setenv("REVISIT_API_KEY", "key-number-1, key-number-2")
    assert len(keys_of(options("--api-key", "key-number-3"))) == 3


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server with ten seconds to drain, and its address."""
    code = PROGRAM.format(tests=str(ROOT / "tests"))
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(tmp_path / "temp")}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--drain", "10", "--verify-cache"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if " answers at " in line:
            break
    assert any("Cache check passed" in line for line in lines), lines
    yield process, lines[-1].split()[-1].removesuffix("/v1")
    process.kill()
    process.wait()


def test_sigterm_lets_answers_end_and_leaves_nothing(
    program: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, address = program
    body = {
        "messages": [{"role": "user", "content": "Go on."}],
        "max_tokens": 40,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with (
        httpx.Client(timeout=60, trust_env=False) as client,
        client.stream("POST", f"{address}/v1/chat/completions", json=body) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{address}/health", trust_env=False)
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert json.loads(rest[-2][6:])["usage"]["completion_tokens"] > 0, "ended as usual"
    process.wait(20)
    assert not list((tmp_path / "temp").glob("*"))
