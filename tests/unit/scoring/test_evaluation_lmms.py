"""Conversion of lmms-eval's requests, and the classes it calls (if lmms-eval is installed)."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image as Picture
from tiny import tiny_assistant

from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt
from evaluation.lmms.requests import (
    from_chat,
    from_simple,
    settings_from,
    unknown_settings,
    until_from,
)
from vlm.conversation import Image, Text, Video
from vlm.media.decode import MediaReader

BASE = GenerateSettings(max_new_tokens=12)


@pytest.fixture(scope="module")
def reader() -> Iterator[MediaReader]:
    with MediaReader() as reader:
        yield reader


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    write_video(path, 20, fps=10, size=(64, 48))
    return str(path)


def picture(colour: tuple[int, ...] = (255, 0, 0)) -> Picture.Image:
    return Picture.new("RGBA" if len(colour) == 4 else "RGB", (8, 6), colour)


def kinds(conversation: Any) -> list[str]:
    return [
        part.text if isinstance(part, Text) else type(part).__name__.lower()
        for message in conversation.messages
        for part in message.parts
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, (12, 0.0, 1.0)),
        ({"max_new_tokens": 5, "temperature": 0, "top_p": None, "num_beams": 1}, (5, 0.0, 1.0)),
        ({"max_gen_toks": 7}, (7, 0.0, 1.0)),
        ({"temperature": 0.5, "top_p": 0.9}, (12, 0.5, 0.9)),
        ({"temperature": 0.5, "do_sample": False}, (12, 0.0, 1.0)),
        ({"do_sample": True}, (12, 1.0, 1.0)),
        ({"do_sample": True, "temperature": 0.0}, (12, 0.0, 1.0)),
    ],
)
def test_generation_settings_of_a_task_are_applied(
    wanted: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    found = settings_from(wanted, BASE, "task")
    assert (found.max_new_tokens, found.temperature, found.top_p) == expected


def test_unsupported_settings_are_refused_or_named() -> None:
    with pytest.raises(ValueError, match="num_beams is 5"):
        settings_from({"num_beams": 5}, BASE, "task")
    assert unknown_settings({"top_k": 3, "typical_p": None, "until": ["x"]}) == ["top_k"]


@pytest.mark.parametrize(
    ("wanted", "rule", "expected"),
    [
        (["\n\n"], "task", ()),  # lmms-eval's default, which no task requested
        (["\n\n"], "all", ("\n\n",)),
        (["\n\n"], "none", ()),
        ("\n", "task", ("\n",)),
        (["Q:", "\n\n", ""], "task", ("Q:", "\n\n")),
        (["Q:"], "none", ()),
        (None, "all", ()),
    ],
)
def test_an_answer_ends_at_a_task_s_stop_string_but_not_at_the_default_blank_line(
    wanted: Any, rule: str, expected: tuple[str, ...]
) -> None:
    assert until_from(wanted, rule) == expected


def test_chat_messages_keep_their_order_and_videos_their_times(
    reader: MediaReader, video: str
) -> None:
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "One"},
                {"type": "image", "url": picture()},
                {"type": "video", "url": video},
                {"type": "video", "url": video, "start_time": 1.0, "end_time": 1.5},
                {"type": "text", "text": "two"},
            ],
        },
        {"role": "assistant", "content": "Best: ("},
    ]
    conversation, reply = from_chat(messages, reader, num_frames=2)
    assert kinds(conversation) == ["Be brief.", "One", "image", "video", "video", "two"]
    assert reply == "Best: ("
    parts = conversation.messages[1].parts
    whole, cut = (part for part in parts if isinstance(part, Video))
    assert whole.times == pytest.approx([0.5, 1.5], abs=0.051)
    assert cut.times == pytest.approx([1.1, 1.3], abs=0.051)


@pytest.mark.parametrize(
    ("context", "visuals", "expected"),
    [
        ("What?", None, ["What?"]),
        ("What?", [picture()], ["image", "What?"]),
        ("What?", [[picture(), picture()]], ["image", "image", "What?"]),
        ("<image> or <image>?", [picture(), picture()], ["image", " or ", "image", "?"]),
        ("Two <image>?", [picture(), picture()], ["image", "image", "Two <image>?"]),
        ("No <image>.", [], ["No <image>."]),
    ],
)
def test_visuals_of_a_simple_task_come_first_or_at_their_marks(
    reader: MediaReader, context: str, visuals: Any, expected: list[str]
) -> None:
    conversation, reply = from_simple(context, visuals, reader, num_frames=2)
    assert kinds(conversation) == expected
    assert reply == ""


def test_a_path_is_an_image_or_a_video_according_to_the_file(
    reader: MediaReader, video: str, tmp_path: Path
) -> None:
    still = tmp_path / "misnamed.mp4"
    picture().save(still, format="PNG")
    conversation, _ = from_simple("What?", [str(still), video], reader, num_frames=3)
    assert kinds(conversation) == ["image", "video", "What?"]


def test_transparent_pixels_become_white(reader: MediaReader) -> None:
    conversation, _ = from_simple("?", [picture((0, 0, 0, 0))], reader, num_frames=2)
    image = conversation.messages[0].parts[0]
    assert isinstance(image, Image)
    assert image.pixels.min() == 255


def test_other_media_are_refused_in_a_sentence(reader: MediaReader) -> None:
    with pytest.raises(ValueError, match="a task sends a dict; images must be"):
        from_simple("?", [{"array": np.zeros(3), "sampling_rate": 3}], reader, num_frames=2)
    message = {"role": "user", "content": [{"type": "audio", "url": "a.wav"}]}
    with pytest.raises(ValueError, match="but a task sends 'audio'"):
        from_chat([message], reader, num_frames=2)


def load_tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the model classes, with answers from a tiny model."""
    reason = "lmms-eval is not installed; it wants an environment of its own"
    pytest.importorskip("lmms_eval", reason=reason)
    from evaluation.lmms import model

    assistant = tiny_assistant()
    assistant.close()

    def load(name: str, batch_size: int, settings: Any, dtype: Any, device: Any) -> Answerer:
        return Answerer(assistant.model, assistant.processor, batch_size, settings)

    monkeypatch.setattr(model.Answerer, "load", load)
    return model


def test_lmms_eval_finds_both_classes_under_our_name(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_tiny(monkeypatch)
    from lmms_eval.models.registry_v2 import ModelRegistryV2

    from evaluation.lmms import manifest

    registry = ModelRegistryV2()
    registry.register_manifest(manifest())
    assert registry.get_model_class("revisit") is model.Revisit
    assert registry.get_model_class("revisit", force_simple=True) is model.RevisitSimple


def test_answers_come_in_request_order_and_broken_files_get_empty_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = load_tiny(monkeypatch)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    docs = [
        {"text": f"Question {i}?", "image": str(broken) if i == 3 else picture((40 * i, 9, 9))}
        for i in range(6)
    ]

    def messages(doc: dict[str, Any]) -> list[dict[str, Any]]:
        content = [{"type": "image", "url": doc["image"]}, {"type": "text", "text": doc["text"]}]
        return [{"role": "user", "content": content}]

    lengths = [3, 9, 3, 9, 3, 9]
    chat = model.Revisit.create_from_arg_string(
        "pretrained=tiny,num_frames=2", {"batch_size": "4", "max_batch_size": None, "device": "cpu"}
    )
    simple = model.RevisitSimple(pretrained="tiny", batch_size=2)
    for asked in (chat, simple):
        asked.task_dict = {"toy": {"test": docs}}
    chat_requests, simple_requests = [], []
    for i, length in enumerate(lengths):
        wanted = {"max_new_tokens": length, "until": ["\n\n"]}
        rest = (i, "toy", "test")
        chat_requests.append(SimpleNamespace(args=("", messages, wanted, *rest)))
        visuals = (docs[i]["text"], wanted, lambda doc: [doc["image"]])
        simple_requests.append(SimpleNamespace(args=(*visuals, *rest)))
    answers = chat.generate_until(chat_requests)
    assert simple.generate_until(simple_requests) == answers

    assert answers[3].text == ""
    for i in (0, 1, 2, 4, 5):
        alone = chat.answerer.with_settings(GenerateSettings(max_new_tokens=lengths[i]))
        conversation, _ = from_chat(messages(docs[i]), None, 2)
        (expected,) = alone.answer([Prompt("x", conversation)])
        assert answers[i].text == expected.text
        assert answers[i].token_counts.input_tokens == expected.input_tokens
        assert answers[i].token_counts.output_tokens == expected.output_tokens
        assert 0 < expected.output_tokens <= lengths[i]


def test_wrong_model_arguments_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_tiny(monkeypatch)
    with pytest.raises(ValueError, match="the batch size is 'auto'"):
        model.Revisit(batch_size="auto")
    with pytest.raises(ValueError, match="until=maybe"):
        model.Revisit(until="maybe")
    with pytest.raises(TypeError, match="num_frame"):
        model.Revisit(num_frame=3)
