"""Chat completions over a real connection: what clients send, and what they get."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from media_maker import write_video
from served import MODEL, Served, data_url, image_part, picture, served, video_part
from waiting import gate_before, until

from vlm.assistant import Finished, Settings, State
from vlm.inference.decoding.decode_batch import DecodeBatch


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, ten frames a second."""
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", 40, fps=10, size=(64, 48))


@pytest.fixture(scope="module")
def film(clip: Path) -> str:
    return data_url(clip.read_bytes())


def test_the_openai_client_gets_what_the_assistant_answers(
    server: Served, client: openai.OpenAI, clip: Path, film: str
) -> None:
    content: list[Any] = [video_part(film), {"type": "text", "text": "What happens?"}]
    found = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": content}], max_completion_tokens=12
    )
    *_, last = server.service.assistant.reply(
        State(), "What happens?", [clip], Settings(max_new_tokens=12)
    )
    assert isinstance(last, Finished)
    assert found.choices[0].message.content == last.text
    assert found.choices[0].finish_reason == ("length" if last.cut else "stop")
    assert found.usage is not None
    assert found.usage.prompt_tokens == last.usage.prompt_tokens
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    (seen,) = (found.model_extra or {})["seen"]
    assert seen["kind"] == "video"
    assert seen["times"] == [round(float(time), 3) for time in last.seen[0].times or ()]


def test_a_stream_gives_the_same_answer_and_ends_with_usage_and_done(
    server: Served, client: openai.OpenAI
) -> None:
    question: Any = [{"role": "user", "content": "Count to ten."}]
    whole = client.chat.completions.create(model=MODEL, messages=question, max_tokens=20)
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=question,
            max_tokens=20,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] is not None
    assert not chunks[-1].choices
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    details = chunks[-1].usage.prompt_tokens_details
    assert details is not None
    assert details.cached_tokens == chunks[-1].usage.prompt_tokens - 1, "asked a second time"
    raw = server.chat("Count to ten.", stream=True).text
    assert raw.endswith("data: [DONE]\n\n")


def test_every_spelling_of_a_video_is_the_same_video(server: Served, clip: Path, film: str) -> None:
    plain = film.partition(",")[2]
    spellings: list[dict[str, Any]] = [
        video_part(film, num_frames=4),
        {"type": "video_url", "video_url": film, "num_frames": 4},
        {"type": "video_url", "video_url": {"url": film, "num_frames": 4}},
        {"type": "video_url", "video_url": {"url": film, "max_frames": 4}},
        {"type": "input_video", "input_video": {"data": plain}, "num_frames": 4},
        {"type": "input_video", "input_video": {"url": film}, "num_frames": 4},
        {"type": "video", "video": film, "fps": 1},
        {"type": "file", "file": {"file_data": film, "filename": "a.mp4"}, "num_frames": 4},
        {"type": "input_file", "file_data": film, "num_frames": 4},
    ]
    seen = []
    for part in spellings:
        answer = server.chat([part, {"type": "text", "text": "What?"}], max_tokens=2)
        assert answer.status_code == 200, answer.text
        seen.append(answer.json()["seen"][0]["times"])
    assert seen == [seen[0]] * len(spellings)
    assert len(seen[0]) == 4


def test_a_section_is_seen_and_no_other_frame(server: Served, film: str) -> None:
    part = video_part(film, start=1, end=3, num_frames=5)
    times = server.chat([part]).json()["seen"][0]["times"]
    assert len(times) == 5
    assert all(0.9 <= time <= 3 for time in times)
    late = server.chat([video_part(film, start=9)])
    assert late.status_code == 400
    assert "cannot start at 9 s" in late.json()["error"]["message"]


def test_a_list_of_frames_is_a_video_at_its_times(server: Served) -> None:
    frames = [picture((40 * i, 0, 0)) for i in range(4)]
    times = [0.5, 2.0, 2.5, 7.0]
    listed = {"type": "video", "video": frames, "times": times}
    answer = server.chat([listed, {"type": "text", "text": "What?"}])
    assert answer.json()["seen"][0]["times"] == times
    assert answer.json()["seen"][0]["kind"] == "video"
    each = [{"image_url": {"url": f}, "time": t} for f, t in zip(frames, times, strict=True)]
    again = server.chat([{"type": "video", "video": each}, {"type": "text", "text": "What?"}])
    assert again.json()["choices"] == answer.json()["choices"]
    joined = "data:video/jpeg;base64," + ",".join(frame.partition(",")[2] for frame in frames)
    vllm = server.chat([video_part(joined, fps=2)])
    assert vllm.json()["seen"][0]["times"] == [0, 0.5, 1, 1.5]


def test_pictures_stay_between_the_words_around_them(server: Served) -> None:
    red, blue = image_part(picture()), image_part(picture((0, 0, 200)))

    def ids(content: list[Any]) -> tuple[int, str]:
        found = server.chat(content).json()
        return found["usage"]["prompt_tokens"], found["choices"][0]["message"]["content"]

    def text(words: str) -> dict[str, Any]:
        return {"type": "text", "text": words}

    apart = ids([text("First: "), red, text("Second: "), blue, text("Same?")])
    swapped = ids([text("First: "), blue, text("Second: "), red, text("Same?")])
    assert apart[0] == swapped[0]
    assert apart[1] != swapped[1]
    assert apart[1] != ids([red, blue, text("First: Second: Same?")])[1]


def test_media_of_earlier_turns_are_seen_and_their_cache_is_used(server: Served, film: str) -> None:
    first = [video_part(film, num_frames=4), {"type": "text", "text": "What is it?"}]
    answer = server.chat(first, max_tokens=6).json()
    said = answer["choices"][0]["message"]["content"]
    messages = [
        {"role": "user", "content": first},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "And then?"},
    ]
    body = {"messages": messages, "max_tokens": 6}
    found = server.client.post("/v1/chat/completions", json=body).json()
    assert found["usage"]["prompt_tokens"] > answer["usage"]["prompt_tokens"]
    cached = found["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert cached >= answer["usage"]["prompt_tokens"], "the whole first question"
    assert len(found["seen"]) == 1


def test_a_stop_string_ends_the_answer_and_is_not_in_it(server: Served) -> None:
    whole = server.chat("Say it.", max_tokens=20).json()["choices"][0]["message"]["content"]
    assert len(whole) > 4
    middle = whole[2:4]
    cut = server.chat("Say it.", max_tokens=20, stop=[middle, "never said"]).json()["choices"][0]
    assert cut["message"]["content"] == whole[: whole.index(middle)]
    assert cut["finish_reason"] == "stop"


def test_choices_are_drawn_with_their_own_seeds_and_repeat(server: Served) -> None:
    def drawn(**fields: Any) -> list[str]:
        found = server.chat("Say it.", temperature=2, seed=5, max_tokens=6, **fields).json()
        return [choice["message"]["content"] for choice in found["choices"]]

    three = drawn(n=3)
    assert three == drawn(n=3)
    assert three[0] == drawn()[0]
    assert len(set(three)) > 1


def test_system_text_and_roles_reach_the_model(server: Served) -> None:
    def tokens(messages: list[dict[str, Any]]) -> int:
        body = {"messages": messages, "max_tokens": 1}
        return server.client.post("/v1/chat/completions", json=body).json()["usage"][
            "prompt_tokens"
        ]

    asked = {"role": "user", "content": "Hello"}
    alone = tokens([asked])
    assert tokens([{"role": "system", "content": "Be brief, and then some."}, asked]) > alone
    split = [{"role": "user", "content": "He"}, {"role": "user", "content": "llo"}]
    assert tokens(split) == alone + 2, "joined by an empty line"


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"messages": []}, 400, "messages"),
    ({"messages": "Hello"}, 400, "messages"),
    ({"messages": [{"role": "user", "content": "a"}], "temperatur": 1}, 400, "temperatur"),
    ({"messages": [{"role": "user", "content": "a"}], "temperature": "1"}, 400, "temperature"),
    ({"messages": [{"role": "user", "content": "a"}], "top_p": 0}, 400, "top_p"),
    ({"messages": [{"role": "user", "content": "a"}], "n": 100}, 400, "n"),
    ({"messages": [{"role": "user", "content": "a"}], "tools": [{}]}, 400, "tools"),
    ({"messages": [{"role": "user", "content": "a"}], "model": "gpt-9"}, 404, "model"),
    ({"messages": [{"role": "robot", "content": "a"}]}, 400, "messages[0].role"),
    ({"messages": [{"role": "assistant", "content": "a"}]}, 400, "messages[0]"),
    (
        {"messages": [{"role": "user", "content": [{"type": "x"}]}]},
        400,
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "user", "content": [video_part("data:video/mp4;base64,%%")]}]},
        400,
        "messages[0].content[0]",
    ),
    (
        {"messages": [{"role": "user", "content": [video_part(data_url(b"no film at all"))]}]},
        422,
        "messages[0].content[0]",
    ),
    (
        {"messages": [{"role": "user", "content": [image_part(picture()) | {"look": 3}]}]},
        400,
        "messages[0].content[0].look",
    ),
]


@pytest.mark.parametrize(("body", "status", "param"), WRONG, ids=[row[2] for row in WRONG])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_wrong_request_is_answered_by_the_name_of_the_field(
    server: Served, body: dict[str, Any], status: int, param: str, stream: bool
) -> None:
    answer = server.client.post("/v1/chat/completions", json=body | {"stream": stream})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert set(error) == {"message", "type", "param", "code"}
    assert "/" not in error["message"].replace("/v1/files", "")


def test_the_openai_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    hello: Any = [{"role": "user", "content": "Hello"}]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-9", messages=hello)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(model=MODEL, messages=hello, temperature=9)


def test_a_client_that_leaves_ends_its_answer(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = server.service
    asked = [{"role": "user", "content": "Go on."}]
    body = {"messages": asked, "max_tokens": 50, "stream": True}
    with gate_before(monkeypatch, DecodeBatch, "_step_shared", free=2) as gate:
        with server.client.stream("POST", "/v1/chat/completions", json=body) as response:
            lines = response.iter_lines()
            next(lines)
            gate.reached()  # in the middle of the answer
            (stop,) = service.stops._open
        until(stop.is_set)
    until(lambda: service.admission.running == 0)
    assert gate.passed == 3, "no word after the one that was being computed"
    until(lambda: not any((service.folder / "requests").iterdir()))


def test_models_and_health_are_listed(server: Served, client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "revisit"
    assert server.client.get("/health").json() == {"status": "ok"}
    assert server.client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert server.client.get("/v1/chat/completions").status_code == 405
