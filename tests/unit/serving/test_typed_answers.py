"""Answers for programs: JSON of a schema, log-probabilities, decisions, the page's own port."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from media_maker import write_video
from served import MODEL, Served, data_url, image_part, picture, served, video_part
from tiny import tiny_assistant

from app.page.web.server import build_app
from app.serve.by_path import ByPath
from app.serve.service import Service

SCHEMA = {
    "type": "object",
    "properties": {"color": {"enum": ["red", "blue"]}},
    "required": ["color"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> str:
    clip = write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", 40, fps=10, size=(64, 48))
    return data_url(clip.read_bytes())


def decide(server: Served, decision: dict[str, Any], content: Any, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    body = {"messages": messages, "decision": decision, **fields}
    answer = server.client.post("/v1/decisions", json=body)
    return answer.json() | {"status": answer.status_code}


def test_an_answer_follows_the_schema_in_both_routes(server: Served) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "color", "schema": SCHEMA}}
    found = server.chat("Which color?", response_format=form, max_tokens=100).json()
    text = found["choices"][0]["message"]["content"]
    assert json.loads(text)["color"] in ("red", "blue")
    flat = {"format": {"type": "json_schema", "name": "color", "schema": SCHEMA}}
    body = {"input": "Which color?", "text": flat, "max_output_tokens": 100}
    answer = server.client.post("/v1/responses", json=body).json()
    assert answer["output"][0]["content"][0]["text"] == text
    wrong = {"type": "json_schema", "json_schema": {"schema": {"type": "colour"}}}
    refused = server.chat("Which color?", response_format=wrong)
    assert refused.status_code == 400
    assert "schema cannot be used" in refused.json()["error"]["message"]


def test_logprobs_come_whole_and_in_a_stream(server: Served) -> None:
    asked: dict[str, Any] = {"logprobs": True, "top_logprobs": 2, "max_tokens": 6}
    whole = server.chat("Hello", **asked).json()["choices"][0]
    entries = whole["logprobs"]["content"]
    joined = "".join(entry["token"] for entry in entries)
    # An answer that ends within a character leaves out its first bytes.
    assert joined.rstrip("\ufffd") == whole["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 2 and entry["logprob"] <= 0 for entry in entries)
    lines = server.chat("Hello", stream=True, **asked).text.split("\n\n")
    streamed = []
    for line in lines:
        if line.startswith("data: {"):
            logprobs = json.loads(line[6:])["choices"][0]["logprobs"]
            streamed += logprobs["content"] if logprobs else []
    assert [entry["token"] for entry in streamed] == [entry["token"] for entry in entries]


def test_a_decision_has_the_probability_of_each_answer(server: Served) -> None:
    content = [image_part(picture()), {"type": "text", "text": "Is it red?"}]
    yes = decide(server, {"type": "yes_no"}, content)
    assert yes["object"] == "decision"
    assert sum(yes["probabilities"].values()) == pytest.approx(1)
    assert yes["answer"] is (yes["probabilities"]["Yes"] >= yes["probabilities"]["No"])
    assert yes["calibrated"] is False
    assert yes["seen"][0]["kind"] == "image"
    color = decide(server, {"type": "choice", "options": ["red", "blue"]}, content)
    assert color["answer"] in ("red", "blue")
    score = decide(server, {"type": "score", "low": 0, "high": 3}, content)
    assert list(score["probabilities"]) == ["0", "1", "2", "3"]
    mean = sum(int(k) * p for k, p in score["probabilities"].items())
    assert score["expected"] == pytest.approx(mean)
    for wrong in ({"type": "choice", "options": ["one"]}, {"type": "maybe"}, {}):
        assert decide(server, wrong, content)["status"] == 400


def test_a_decision_is_made_for_each_second_of_a_film(server: Served, film: str) -> None:
    content = [video_part(film, num_frames=2), {"type": "text", "text": "Is it moving?"}]
    found = decide(server, {"type": "yes_no"}, content, every=1)
    steps = [(entry["start"], entry["end"]) for entry in found["series"]]
    assert steps == [(0, 1), (1, 2), (2, 3), (3, pytest.approx(4, abs=0.01))]
    assert all(0 <= entry["probability"] <= 1 for entry in found["series"])
    part = video_part(film, num_frames=2, start=1, end=3)
    some = decide(server, {"type": "yes_no"}, [part, "Is it moving?"], every=1)
    assert [entry["start"] for entry in some["series"]] == [1, 2]
    again, before = some["series"][0]["probability"], found["series"][1]["probability"]
    assert again == pytest.approx(before, abs=1e-3)
    still = decide(server, {"type": "yes_no"}, [image_part(picture()), "Is it?"], every=1)
    assert still["status"] == 400


def test_the_page_and_the_api_share_a_port_and_an_assistant(tmp_path: Path) -> None:
    assistant = tiny_assistant()
    service = Service(assistant, MODEL, tmp_path)
    app = ByPath(build_app(assistant, at_once=2), service, "127.0.0.1")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert "Revisit" in client.get("/").text
        assert client.get("/health").json() == {"status": "ok"}
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
        assert client.post("/v1/chat/completions", json=body).status_code == 200
        app.end()
        assert client.get("/health").status_code == 503
    assistant.close()
