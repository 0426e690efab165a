"""What programs of the field send, word for word, is answered.

The requests were recorded from `llm` 0.36, and written from the sources of LangChain's ChatOpenAI
(langchain-openai 1.7.4), lmms-eval 0.7.3, VLMEvalKit (its OpenAI and LMDeploy adapters) and Open
WebUI.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from media_maker import write_video
from served import MODEL, Served, data_url, image_part, picture, served, video_part

KEY = "sk-123456"  # VLMEvalKit refuses keys that begin otherwise


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    return write_video(folder / "a clip.mp4", 20, fps=10, size=(64, 48))


@pytest.fixture(scope="module")
def server(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("serve")
    with served(folder, keys=(KEY,), media_folder=clip.parent) as running:
        running.client.headers["Authorization"] = f"Bearer {KEY}"
        yield running


TEXT = {"type": "text", "text": "What happens?"}
RED = picture()


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


COLOR = {
    "type": "object",
    "properties": {"color": {"title": "Color", "type": "string"}},
    "required": ["color"],
    "title": "Color",
    "additionalProperties": False,
}

REQUESTS: dict[str, dict[str, Any]] = {
    "lmms-eval, a film as pictures": {
        "messages": [user(*[image_part(RED)] * 10, TEXT)],
        "max_tokens": 1024,
        "temperature": 0,
    },
    "VLMEvalKit, OpenAI": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            user(TEXT, {"type": "image_url", "image_url": {"url": RED, "detail": "low"}}),
        ],
        "n": 1,
        "temperature": 0,
        "max_tokens": 2048,
    },
    "VLMEvalKit, LMDeploy": {
        "messages": [
            user(TEXT, {"type": "image_url", "image_url": {"url": RED, "max_dynamic_patch": 6}})
        ],
        "max_tokens": 1024,
        "n": 1,
        "temperature": 0.0,
    },
    "llm": {
        "messages": [user(TEXT, image_part(RED))],
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "LangChain": {"messages": [user(TEXT, image_part(RED))], "stream": False},
    "LangChain, structured": {
        "messages": [{"role": "user", "content": "Which color?"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "Color", "schema": COLOR, "strict": True},
        },
    },
    "Open WebUI, a chat": {
        "stream": True,
        "messages": [user(TEXT, image_part(RED))],
        "stream_options": {"include_usage": True},
    },
    "Open WebUI, a title": {
        "messages": [{"role": "user", "content": "### Task:\nGenerate a concise title."}],
        "stream": False,
    },
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_of_a_known_program_is_answered(server: Served, name: str) -> None:
    body = {"model": MODEL, **REQUESTS[name], "max_tokens": 4}
    answer = server.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text


def test_a_harness_names_films_of_the_media_folder(server: Served, clip: Path) -> None:
    client = openai.OpenAI(base_url=f"{server.address}/v1", api_key=KEY, max_retries=0)
    part: Any = video_part(f"file://{clip}")
    found = client.chat.completions.create(  # lmms-eval with pass_video_url
        messages=[{"role": "user", "content": [part, TEXT]}],  # type: ignore[list-item, misc]
        model=MODEL,
        max_tokens=4,
        temperature=0,
        extra_body={"media_io_kwargs": {"video": {"num_frames": 3}}},
    )
    assert len((found.model_extra or {})["seen"][0]["times"]) == 3
    own = server.client.post(
        "/v1/chat/completions",
        json={
            "messages": [user(video_part(data_url(clip.read_bytes())), TEXT)],
            "max_tokens": 4,
            "num_frames": 3,
        },
    ).json()
    assert own["choices"][0]["message"]["content"] == found.choices[0].message.content


def test_a_path_below_the_media_folder_names_its_film(server: Served, clip: Path) -> None:
    """VLMEvalKit sends a film as its path, which may have what an address would escape."""
    odd = clip.with_name("50%20 #1?.mp4")
    odd.write_bytes(clip.read_bytes())
    for path in (clip, odd):
        body = {"messages": [user(video_part(str(path)), TEXT)], "max_tokens": 2}
        answer = server.client.post("/v1/chat/completions", json=body)
        assert answer.json()["seen"][0]["kind"] == "video", answer.text


def test_no_other_file_is_named(server: Served, clip: Path, tmp_path: Path) -> None:
    outside = write_video(tmp_path / "other.mp4", 10, fps=10, size=(64, 48))
    link = clip.parent / "link.mp4"
    link.symlink_to(outside)
    for address in (
        str(outside),
        str(link),
        f"{clip.parent}/../{outside.parent.name}/other.mp4",
        "/etc/resolv.conf",
        f"file://{outside}",
        f"file://{link}",
        f"file://{clip.parent}/../{outside.parent.name}/other.mp4",
        f"file://{clip.parent}",
        f"file://other.host{clip}",
        f"file://{clip.parent}/missing.mp4",
        "file:///etc/passwd",
        f"file://{clip.parent}/%00",
        f"FILE://{outside}",
        "file:" + "a/" * 3000,
    ):
        answer = server.client.post(
            "/v1/chat/completions", json={"messages": [user(video_part(address), TEXT)]}
        )
        assert answer.status_code == 404, address
        assert str(outside.parent) not in answer.text
        assert str(clip.parent) not in answer.text
    link.unlink()


def test_a_file_block_of_langchain_may_be_a_film(server: Served, clip: Path) -> None:
    data = base64.b64encode(clip.read_bytes()).decode()
    file = {"file_data": f"data:video/mp4;base64,{data}", "filename": "clip.mp4"}
    body = {"model": MODEL, "messages": [user(TEXT, {"type": "file", "file": file})]}
    answer = server.client.post("/v1/chat/completions", json={**body, "max_tokens": 4})
    assert answer.json()["seen"][0]["kind"] == "video"
