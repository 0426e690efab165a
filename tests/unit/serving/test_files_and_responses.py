"""Uploads belong to a key and end; kept conversations continue without their media."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from media_maker import write_video
from served import MODEL, Served, data_url, picture, served, video_part
from waiting import until

from app.serve.limits import ServeLimits
from app.serve.media.file_store import FileStore
from vlm.assistant import Finished, Settings, State

ANN, BEN = "key-of-ann-1", "key-of-ben-2"
QUOTA = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = ServeLimits(quota=QUOTA, upload=80_000)
    with served(tmp_path_factory.mktemp("serve"), limits, (ANN, BEN)) as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", 20, fps=10, size=(64, 48))


def client(server: Served, key: str = ANN) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.address}/v1", api_key=key, max_retries=0)


def test_every_route_but_health_needs_a_right_key(server: Served) -> None:
    from app.serve.routes import ROUTES

    for (method, path), key in [(route, key) for route in ROUTES for key in ("", "key-of-ann-2")]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = server.client.request(method, path.replace("{id}", "x"), headers=headers)
        assert answer.status_code == 401, path
        assert answer.json()["error"]["code"] == "invalid_api_key"
    assert server.client.get("/health").status_code == 200


def test_an_uploaded_film_is_asked_about_by_its_id(server: Served, clip: Path) -> None:
    ann, ben = client(server), client(server, BEN)
    stored = ann.files.create(file=clip, purpose="user_data")
    assert stored.bytes == clip.stat().st_size
    assert [file.id for file in ann.files.list()] == [stored.id]
    assert list(ben.files.list()) == []
    spellings: list[dict[str, Any]] = [
        {"type": "file", "file": {"file_id": stored.id}},
        {"type": "video_url", "video_url": {"url": stored.id}},
        {"type": "input_video", "file_id": stored.id},
    ]
    for part in spellings:
        messages: Any = [{"role": "user", "content": [part, {"type": "text", "text": "What?"}]}]
        found = ann.chat.completions.create(model=MODEL, messages=messages, max_tokens=2)
        assert (found.model_extra or {})["seen"][0]["kind"] == "video"
        with pytest.raises(openai.NotFoundError, match="there is no file"):
            ben.chat.completions.create(model=MODEL, messages=messages, max_tokens=2)
    with pytest.raises(openai.NotFoundError):
        ben.files.delete(stored.id)
    assert ann.files.delete(stored.id).deleted
    with pytest.raises(openai.NotFoundError):
        ann.files.retrieve(stored.id)
    until(lambda: not any((server.service.folder / "files").iterdir()))


@pytest.mark.parametrize("wrong", ["file-", "file-00", "file-" + "0" * 24, "clip.mp4"])
def test_an_id_that_is_no_file_is_named(server: Served, wrong: str) -> None:
    part = {"type": "file", "file": {"file_id": wrong}}
    messages: Any = [{"role": "user", "content": [part]}]
    with pytest.raises(openai.APIStatusError, match=r"there is no file|an id of /v1/files"):
        client(server).chat.completions.create(model=MODEL, messages=messages, max_tokens=2)


def test_an_upload_that_is_no_medium_too_large_or_beyond_the_quota_leaves_nothing(
    server: Served, clip: Path
) -> None:
    ann = client(server)
    with pytest.raises(openai.APIStatusError) as refused:
        ann.files.create(file=("a.mp4", b"#EXTM3U\n/etc/passwd"), purpose="user_data")
    assert refused.value.status_code == 415
    with pytest.raises(openai.APIStatusError) as refused:
        ann.files.create(file=("a.mp4", b"x" * 200_000), purpose="user_data")
    assert refused.value.status_code == 413
    film = clip.read_bytes()
    film += b"\0" * (60_000 - len(film))
    first = ann.files.create(file=("a.mp4", film), purpose="user_data")
    with pytest.raises(openai.APIStatusError) as refused:
        ann.files.create(file=("b.mp4", film), purpose="user_data")
    assert refused.value.body["code"] == "quota_exceeded"  # type: ignore[index]
    ann.files.delete(first.id)
    until(lambda: not any((server.service.folder / "files").iterdir()))
    assert server.service.store.used(server.service.keys.owner(_request(ANN))) == 0


def test_an_upload_in_pieces_is_bounded_while_it_comes(server: Served, clip: Path) -> None:
    def form(content: bytes) -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        for start in range(0, len(content), 4096):
            yield content[start : start + 4096]
        yield b"\r\n--x--\r\n"

    headers = {"Authorization": f"Bearer {ANN}", "Content-Type": "multipart/form-data; boundary=x"}
    film = clip.read_bytes()
    stored = server.client.post("/v1/files", content=form(film), headers=headers)
    assert stored.json()["bytes"] == len(film)
    server.client.delete(f"/v1/files/{stored.json()['id']}", headers=headers)
    refused = server.client.post("/v1/files", content=form(b"x" * 400_000), headers=headers)
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "file_too_large"
    until(lambda: not any((server.service.folder / "files").iterdir()))
    assert server.service.store.used(server.service.keys.owner(_request(ANN))) == 0


def _request(key: str) -> Any:
    from starlette.requests import Request

    headers = [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "headers": headers})


def test_files_expire(tmp_path: Path) -> None:
    now = [1000.0]
    store = FileStore(tmp_path, ServeLimits(), lambda: now[0])
    arrived = store.incoming()
    arrived.write_bytes(b"film")
    kept = store.keep(arrived, "ann", "film.mp4", "user_data", 60)
    assert store.path(kept.id, "ann") is not None
    assert store.path(kept.id, "ben") is None
    now[0] += 61
    assert store.get(kept.id, "ann") is None
    assert not list(tmp_path.iterdir())


def test_a_response_continues_from_an_earlier_one_without_its_media(
    server: Served, tmp_path: Path
) -> None:
    ann = client(server)
    asked: Any = [{"role": "user", "content": [{"type": "input_image", "image_url": picture()}]}]
    first = ann.responses.create(model=MODEL, input=asked, max_output_tokens=5)
    assert first.status in ("completed", "incomplete")
    assert (first.model_extra or {})["seen"][0]["kind"] == "image"
    second = ann.responses.create(
        model=MODEL, input="And now?", previous_response_id=first.id, max_output_tokens=5
    )
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.input_tokens_details.cached_tokens >= first.usage.input_tokens
    path = tmp_path / "red.png"
    path.write_bytes(base64.b64decode(picture().partition(",")[2]))
    assistant, short = server.service.assistant, Settings(max_new_tokens=5)
    *_, one = assistant.reply(State(), "", [path], short)
    assert isinstance(one, Finished)
    *_, two = assistant.reply(one.state, "And now?", settings=short)
    assert isinstance(two, Finished)
    assert [first.output_text, second.output_text] == [one.text, two.text]
    assert ann.responses.retrieve(first.id).output_text == first.output_text
    with pytest.raises(openai.NotFoundError):
        client(server, BEN).responses.retrieve(first.id)
    ann.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        ann.responses.create(model=MODEL, input="Again?", previous_response_id=first.id)


def test_the_events_of_a_streamed_response_end_with_the_whole_one(server: Served) -> None:
    ann = client(server)
    whole = ann.responses.create(model=MODEL, input="Hello", max_output_tokens=6)
    events = list(
        ann.responses.create(model=MODEL, input="Hello", max_output_tokens=6, stream=True)
    )
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == whole.output_text
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    assert last.response.output_text == whole.output_text


def test_metrics_count_in_vllms_names(server: Served, clip: Path) -> None:
    headers = {"Authorization": f"Bearer {ANN}"}
    for url in (data_url(clip.read_bytes()), "data:video/mp4;base64,AAAA"):
        content = [video_part(url, num_frames=3), {"type": "text", "text": "What?"}]
        body = {"messages": [{"role": "user", "content": content}], "max_tokens": 3}
        server.client.post("/v1/chat/completions", json=body, headers=headers)
    refused = 'revisit:media_refused_total{model_name="tiny",reason="unusable_media"}'
    until(lambda: refused in server.client.get("/metrics", headers=headers).text)
    text = server.client.get("/metrics", headers=headers).text
    for name in (
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
        "vllm:request_success_total",
        "vllm:time_to_first_token_seconds_count",
        "revisit:frames_decoded_total",
        "revisit:visual_tokens_total",
    ):
        assert f'{name}{{model_name="{MODEL}"' in text or f"{name}{{" in text, name
