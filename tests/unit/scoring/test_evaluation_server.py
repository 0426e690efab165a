"""A peer behind an OpenAI-compatible address, played by a small server on this machine."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_benchmark import Fake, make_fake
from PIL import Image as Picture

from evaluation.__main__ import main
from evaluation.asking import server
from evaluation.asking.answerer import GenerateSettings, Prompt
from evaluation.asking.server import ServerAsker
from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import read_json
from evaluation.runs.log import read_log
from vlm.conversation import Conversation, Image, Message, Text, Video


class Peer(BaseHTTPRequestHandler):
    """Answers each question with the number of its images."""

    asked: list[dict[str, Any]] = []
    keys: list[str | None] = []
    status = 200
    names = ("peer-1", "other")

    def do_GET(self) -> None:
        self._send({"data": [{"id": name} for name in self.names]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        self.keys.append(self.headers.get("Authorization"))
        content = body["messages"][-1]["content"]
        images = sum(part["type"] == "image_url" for part in content)
        message = {"role": "assistant", "content": f"I saw {images}."}
        usage = {"prompt_tokens": 100 + images, "completion_tokens": 3}
        self._send({"choices": [{"message": message}], "usage": usage})

    def _send(self, found: dict[str, Any]) -> None:
        data = json.dumps(found).encode() if self.status == 200 else b"too many\nrequests"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Suppresses the access log."""


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Peer]]:
    """The server; its address is `peer.url`."""
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())
    monkeypatch.setattr(Peer, "asked", [])
    monkeypatch.setattr(Peer, "keys", [])
    monkeypatch.setattr(Peer, "status", 200)
    with ThreadingHTTPServer(("127.0.0.1", 0), Peer) as here:
        thread = threading.Thread(target=here.serve_forever)
        thread.start()
        monkeypatch.setattr(Peer, "url", f"http://127.0.0.1:{here.server_port}/v1", raising=False)
        yield Peer
        here.shutdown()
        thread.join()


def run(peer: Any, sets: Path, out: Path, *more: str) -> int:
    words = ["run", "fake", "--data", str(sets), "--out", str(out)]
    return main([*words, "--server", peer.url, "--model-name", "peer-1", *more])


def test_a_peer_is_asked_the_same_questions_and_frames_and_scored(
    peer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_fake(tmp_path / "sets/fake", clips=1, pictures=1)
    assert run(peer, data.parent, tmp_path / "out") == 0
    said = capsys.readouterr()
    assert "Fake" in said.out
    assert "4/4" in said.err
    rows = read_log(tmp_path / "out/fake")
    # A clip is shown in three frames, as the benchmark sets; a picture is one image.
    assert [row["raw"] for row in rows] == ["I saw 3."] * 2 + ["I saw 1."] * 2
    assert rows[0]["tokens"] == {"input": 103, "output": 3, "visual": 0}
    body = peer.asked[0]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("peer-1", 6, 0.0)
    assert body["messages"][0]["content"][-1]["text"].endswith("Answer:")
    model = read_json(tmp_path / "out/fake/manifest.json")["identity"]["model"]
    assert (model["name"], model["server"]) == ("peer-1", peer.url)
    assert "<h1>peer-1</h1>" in (tmp_path / "out/report.html").read_text()
    # The same command asks nothing again.
    count = len(peer.asked)
    assert run(peer, data.parent, tmp_path / "out") == 0
    assert len(peer.asked) == count


def test_frames_keep_their_shape_and_blind_runs_send_none(peer: Any, tmp_path: Path) -> None:
    data = make_fake(tmp_path / "sets/fake", clips=1, pictures=0)
    assert run(peer, data.parent, tmp_path / "out") == 0
    url = peer.asked[0]["messages"][0]["content"][0]["image_url"]["url"]
    picture = Picture.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert picture.size == (64, 48)
    peer.asked.clear()
    assert run(peer, data.parent, tmp_path / "blind", "--no-media") == 0
    assert {part["type"] for part in peer.asked[0]["messages"][0]["content"]} == {"text"}


def test_a_failing_request_is_a_failed_sample_that_is_tried_again(
    peer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_fake(tmp_path / "sets/fake", clips=0, pictures=1)
    monkeypatch.setattr(Peer, "status", 429)
    assert run(peer, data.parent, tmp_path / "out") == 1
    assert {row["error"] for row in read_log(tmp_path / "out/fake")} == {
        f"{peer.url} answered with the status 429: too many"
    }
    monkeypatch.setattr(Peer, "status", 200)
    assert run(peer, data.parent, tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--server", "URL"], "--server and --model-name belong together"),
        (["--server", "URL", "--model-name", "x"], "has no model 'x'; it has peer-1, other."),
        (["--server", "ftp://h", "--model-name", "x"], "is not an address that begins with http"),
        (["--server", "http://me:pw@h/v1", "--model-name", "x"], "takes no name and password"),
        (
            ["--server", "http://127.0.0.1:9/v1", "--model-name", "x"],
            "http://127.0.0.1:9/v1 cannot be asked",
        ),
    ],
)
def test_a_wrong_address_is_refused_in_one_sentence(
    peer: Any, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_fake(tmp_path / "sets/fake", clips=0, pictures=1)
    given = [peer.url if word == "URL" else word for word in words]
    out = tmp_path / "out"
    assert main(["run", "fake", "--data", str(data.parent), "--out", str(out), *given]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (out / "fake").exists()


def test_a_conversation_is_written_in_the_interface_s_form(
    peer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    conversation = Conversation(
        (
            Message("system", (Text("Be brief."),)),
            Message("user", (Image(pixels, words=("Seen: 1 cat.", "")), Text("What?"))),
            Message("assistant", (Text("A cat."),)),
            Message("user", (Video(pixels[None], np.zeros(1)), Text("And now?"))),
        )
    )
    monkeypatch.setenv(server.KEY, "secret")
    asker = ServerAsker(peer.url, "peer-1", 4)
    (answer,) = asker.answer([Prompt("q", conversation, "Best option:(")])
    assert answer.text == "I saw 1."
    first, second, third, last = peer.asked[0]["messages"]
    assert (first["content"], third["content"]) == ("Be brief.", "A cat.")
    kinds = [part.get("text", "image") for part in second["content"]]
    assert kinds == ["image", "Seen: 1 cat.\n", "What?"]
    assert [part.get("text", "image") for part in last["content"]] == [
        *("image", "And now?", "\nBest option:(")
    ]
    assert peer.keys == ["Bearer secret"]
    only = asker.with_settings(GenerateSettings(words_only=True))
    only.answer([Prompt("q", conversation)])
    assert [part["text"] for part in peer.asked[1]["messages"][1]["content"]] == [
        *("Seen: 1 cat.\n", "What?")
    ]


@pytest.mark.parametrize("reply", [{}, {"choices": []}, {"choices": [{"message": None}]}])
def test_a_reply_without_an_answer_is_an_error(
    peer: Any, monkeypatch: pytest.MonkeyPatch, reply: dict[str, Any]
) -> None:
    monkeypatch.setattr(ServerAsker, "_call", lambda self, path, body=None: reply)
    prompt = Prompt("q", Conversation((Message("user", (Text("What?"),)),)))
    (answer,) = ServerAsker(peer.url, "peer-1").answer([prompt])
    assert answer.error == "the server's reply has no choices[0].message.content."
