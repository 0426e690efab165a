"""The forms in which other projects name media and turns, one test for each."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.__main__ import main
from data.convert.run import convert
from data.records import MediaFile, Record, RecordText, read_records
from data.samples.decoder import Decoder
from tests.media_maker import write_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, a film, and a folder of twelve frames from black to white."""
    for name, color in (("a.png", "red"), ("b.png", "blue"), ("c.jpg", "green")):
        Image.new("RGB", (9, 7), color).save(tmp_path / name)
    (tmp_path / "sub dir").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "sub dir" / "d.png")
    (tmp_path / "film").mkdir()
    for number in range(12):
        picture = Image.new("RGB", (33, 17), (number * 20,) * 3)
        picture.save(tmp_path / "film" / f"frame{number}.png")
    (tmp_path / "film" / "notes.txt").write_text("no frame")
    (tmp_path / "empty").mkdir()
    write_video(tmp_path / "v.mp4", 4, size=(32, 32))
    return tmp_path


def convert_all(folder: Path, entries: list[Any]) -> tuple[list[Record], list[str]]:
    """The records, and the reasons of the skipped entries."""
    (folder / "in.json").write_text(json.dumps(entries), encoding="utf-8")
    (result,) = convert(folder / "in.json", folder / "out.jsonl")
    return list(read_records(folder / "out.jsonl")), [why for _, why in result.left_out]


def content(record: Record, index: int = 0) -> list[str]:
    """The parts of a message: texts, or names of files below the folder of the records."""
    return [
        part.text if isinstance(part, RecordText) else part.path.name
        for part in record.messages[index].parts
        if isinstance(part, RecordText | MediaFile)
    ]


def openai(*parts: Any, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": list(parts)}, {"role": "assistant", "content": "A."}]
    return {"messages": messages, **more}


def llava(question: str = "<image>\n?", **more: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": "A."}]
    return {"conversations": turns, **more}


def text(words: str = "?") -> dict[str, Any]:
    return {"type": "text", "text": words}


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_trl_parts_without_a_name_take_the_images_in_order(folder: Path) -> None:
    image, video = {"type": "image"}, {"type": "video"}
    records, left_out = convert_all(
        folder,
        [
            openai(image, text("and"), image, images=["a.png", {"path": "b.png"}]),
            openai({**image, "text": None, "image": None}, text(), images=[{"path": "a.png"}]),
            openai(video, text(), image, images=["a.png"], videos=["v.mp4"]),
            openai(image, image, images=["a.png"]),
            openai(image, text()),
            openai(text("no part for it"), images=["a.png"]),
            openai(text("<image>here"), images=["a.png"]),
        ],
    )
    assert [content(record) for record in records] == [
        ["a.png", "and", "b.png"], ["a.png", "?"], ["v.mp4", "?", "a.png"],
        ["a.png", "no part for it"], ["a.png", "here"],
    ]  # fmt: skip
    assert left_out == [
        "has 2 image parts without a file but 1 image",
        "has 1 image part without a file but 0 images",
    ]


def test_trl_prompts_with_completions_learn_only_the_completion(folder: Path) -> None:
    prompt = [
        {"role": "user", "content": [{"type": "image"}, text()]},
        {"role": "assistant", "content": "earlier"},
        {"role": "user", "content": "And?"},
    ]
    completion = [{"role": "assistant", "content": "learned"}]
    entry = {"prompt": prompt, "completion": completion, "images": ["a.png"]}
    (record,), left_out = convert_all(folder, [entry])
    assert left_out == []
    assert content(record) == ["a.png", "?"]
    assert [message.has_loss for message in record.messages] == [True, False, True, True]


@pytest.mark.parametrize("key", ["image", "path", "url", "image_url", "file"])
def test_a_part_names_its_picture_under_any_of_the_usual_keys(folder: Path, key: str) -> None:
    named: list[Any] = ["a.png", {"url": "a.png"}, {"path": "a.png", "bytes": None}]
    entries = [openai({"type": "image", key: value}, text()) for value in named]
    records, left_out = convert_all(folder, entries)
    assert left_out == []
    assert [content(record) for record in records] == [["a.png", "?"]] * 3


def test_pictures_as_dicts_and_with_their_bytes(folder: Path) -> None:
    inline = encoded(folder / "a.png")
    wrapped = "\n".join(inline[start : start + 20] for start in range(0, len(inline), 20))
    source = {"type": "base64", "media_type": "image/png", "data": inline}
    entries = [
        llava(image={"path": "a.png"}),
        llava(image=[{"path": "a.png", "bytes": None}]),
        llava(image={"bytes": inline, "path": None}),
        llava(image={"bytes": inline, "path": "of/another/machine.png"}),
        llava(image=inline),
        llava(image=f"data:image/png;base64,{wrapped}"),
        llava(image=f"data:image;base64,{inline.rstrip('=')}"),
        llava(image=f"data:image/png;name=a.png;base64,{inline}"),
    ]
    parts = [
        openai({"type": "image", "base64": inline}, text()),
        openai({"type": "image", "source": source}, text()),
    ]
    records, left_out = convert_all(folder, entries)
    more, left_out_of_parts = convert_all(folder, parts)
    records += more
    assert left_out == left_out_of_parts == []
    same = (folder / "a.png").read_bytes()
    assert [record.media[0].path.read_bytes() for record in records] == [same] * 10
    assert {record.media[0].path.suffix for record in records} == {".png"}


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("https://example.org/a.png", "https://example.org/a.png is a network address; download"),
        ({"url": "http://example.org/a.png"}, "is a network address"),
        ("s3://bucket/a.png", "is a network address"),
        ("data:image/png;base64,!!!!", "contains data that is not valid base64"),
        ("data:image/png;base64,aGVsbG8=", "contains data for the image that is of an unsupported"),
        ("data:image/png,%89PNG", "contains data that is not base64"),
        ({"bytes": [137, 80, 78, 71], "path": None}, '"bytes" of the image is not base64'),
        ({"bytes": "b'\\x89PNG'"}, "contains data that is not valid base64"),
        ({"width": 3}, "names no file for the image"),
        ("x" * 5000, "contains data"),
        ("f" * 64, f"the image {'f' * 64} does not exist"),
        ("a\x00b.png", "is not a path"),
        (7, '"image" contains 7, which is not a file name'),
        ("film", "the image film is a folder"),
    ],
)
def test_media_that_cannot_be_taken_over_are_one_sentence(
    folder: Path, image: Any, why: str
) -> None:
    records, (reason,) = convert_all(folder, [llava(image=image), llava(image="a.png")])
    assert len(records) == 1
    assert why in reason
    assert "\n" not in reason


def frame_colors(path: Path, num_frames: int) -> list[int]:
    decoder = Decoder()
    film = decoder.video(MediaFile("video", path), num_frames, 8)
    decoder.close()
    return [round(float(frame.mean()) / 20) for frame in film.frames]


def test_a_film_as_a_list_or_a_folder_of_frames(folder: Path) -> None:
    frames = [f"film/frame{number}.png" for number in range(12)]
    entries = [
        llava("<video>\n?", video=frames),
        llava("<video>\n?", video="film"),
        llava("<video>\n?", videos=[frames]),
        openai({"type": "video", "video": frames, "sample_fps": 4}, text()),
        openai({"type": "video", "video": [f"file://{folder}/{name}" for name in frames]}, text()),
        openai(text("<video>?"), videos=[frames]),
        openai({"type": "video"}, text(), videos=[frames]),
        llava("<video><video>?", video=["v.mp4", "film"]),
    ]
    for entry in entries:  # one by one: they mix formats
        records, left_out = convert_all(folder, [entry])
        assert left_out == []
        media = records[0].media[-1]
        assert media.kind == "video"
        assert frame_colors(media.path, 12) == list(range(12))
    films = {path.name for path in (folder / "media").iterdir()}
    assert len(films) == 2, "one at 2 frames per second, one at 4"
    assert not list(folder.rglob("*.part"))


def test_frames_have_the_times_of_their_rate(folder: Path) -> None:
    frames = [f"film/frame{number}.png" for number in range(12)]
    part = {"type": "video", "video": frames, "sample_fps": 0.5}
    (record,), _ = convert_all(folder, [openai(part, text())])
    info = Decoder().probe(record.media[0])
    assert (info.num_frames, info.fps, info.width, info.height) == (12, 0.5, 32, 16)
    assert info.duration == pytest.approx(24.0)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"video": ["film/frame1.png", "film/gone.png"]}, "the frame film/gone.png does not exist"),
        ({"video": ["film/frame1.png", "film/notes.txt"]}, "the frame notes.txt cannot be read"),
        ({"video": ["film/frame1.png"], "sample_fps": 0}, '"sample_fps" is 0'),
        ({"video": "empty"}, "the folder empty contains no frames"),
        ({"video": []}, "which is not a file name"),
        ({"video": "v.mp4", "video_start": 1.0}, '"video_start" names a part of a film'),
        ({"video": {"video_path": "v.mp4", "end_time": 3}}, '"end_time" names a part of a film'),
    ],
)
def test_frames_that_make_no_film_are_one_sentence(
    folder: Path, part: dict[str, Any], why: str
) -> None:
    _, (reason,) = convert_all(folder, [openai({"type": "video", **part}, text())])
    assert why in reason
    assert not list(folder.rglob("*.part"))
    assert not list(folder.rglob("media/*"))


def test_frames_of_a_size_that_no_encoder_takes_cost_one_entry(folder: Path) -> None:
    Image.new("L", (20000, 200)).save(folder / "wide.png")
    part = {"type": "video", "video": ["wide.png", "wide.png"]}
    records, (reason,) = convert_all(folder, [openai(part, text()), openai(text())])
    assert len(records) == 1
    assert "its frames cannot be written as a film" in reason
    assert not list(folder.rglob("*.part"))


def test_swift_queries_with_responses_and_a_history(folder: Path) -> None:
    records, left_out = convert_all(
        folder,
        [
            {"query": "<image>What?", "response": "A cat.", "images": ["a.png"]},
            {"query": "And?", "response": "B.", "system": "Be brief.",
             "history": [["<image>One?", "1."], ["Two?", "2."]], "images": ["a.png"]},
            {"query": "Which?", "response": "C.", "images": [{"path": "a.png"}], "history": None},
            {"query": "?", "images": ["a.png"]},
            {"query": "?", "response": "D.", "history": ["x"]},
            {"query": "?", "response": "  "},
        ],
    )  # fmt: skip
    assert content(records[0]) == ["a.png", "What?"]
    roles = ["system", "user", "assistant", "user", "assistant", "user", "assistant"]
    assert [message.role for message in records[1].messages] == roles
    assert content(records[1], 1) == ["a.png", "One?"]
    assert records[1].turns[-1] == ("And?", "B.")
    assert content(records[2]) == ["a.png", "Which?"]
    assert '"response" is missing' in left_out[0]
    assert '"history" is not a list of pairs' in left_out[1]
    assert "a turn of the assistant is empty" in left_out[2]


def test_alpaca_instructions_with_input_and_output(folder: Path) -> None:
    entry = {"instruction": "Translate.", "input": "chat", "output": "cat"}
    (record, short), left_out = convert_all(folder, [entry, {**entry, "input": ""}])
    assert left_out == []
    assert record.turns == (("Translate.\nchat", "cat"),)
    assert short.turns == (("Translate.", "cat"),)


@pytest.mark.skipif(os.sep == "\\", reason="the usual separator there")
def test_windows_separators_and_file_addresses(folder: Path) -> None:
    names = ["sub dir\\d.png", ".\\sub dir\\d.png", "sub dir/d.png",
             f"file://{folder}/sub%20dir/d.png", f"file://{folder}/sub dir/d.png"]  # fmt: skip
    records, left_out = convert_all(folder, [llava(image=name) for name in names])
    assert left_out == []
    assert {record.media[0].path for record in records} == {folder / "sub dir" / "d.png"}
    _, (reason,) = convert_all(folder, [llava(image="..\\..\\etc\\passwd"), llava(image="a.png")])
    assert "is outside" in reason or "does not exist" in reason


def test_records_written_on_windows_are_read(folder: Path) -> None:
    messages = openai({"type": "image", "image": "sub dir\\d.png"}, text())
    (folder / "r.jsonl").write_text(json.dumps(messages))
    (record,) = read_records(folder / "r.jsonl")
    assert record.media[0].path == folder / "sub dir" / "d.png"


def test_what_the_assistant_says_before_the_first_question_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hello = {"from": "gpt", "value": "Hello!"}
    opened = llava(image="a.png")
    opened["conversations"].insert(0, hello)
    (folder / "in.json").write_text(json.dumps([opened, {"conversations": [hello]}]))
    monkeypatch.setattr(
        "sys.argv", ["data", "convert", str(folder / "in.json"), str(folder / "out.jsonl")]
    )
    assert main() == 1
    printed = capsys.readouterr().out
    assert "1 conversation opened by the assistant: converted from the first question on" in printed
    assert "roles must be user, assistant" in printed
    (record,) = read_records(folder / "out.jsonl")
    assert content(record) == ["a.png", "?"]
    messages = openai(text())["messages"]
    system = {"role": "system", "content": "Be brief."}
    entry = {"messages": [system, {"role": "assistant", "content": "Hello!"}, *messages]}
    (record,), _ = convert_all(folder, [entry])
    assert [message.role for message in record.messages] == ["system", "user", "assistant"]


def test_tags_for_boxes_and_audio_are_refused(folder: Path) -> None:
    entries = [
        openai(text("Find <bbox>."), objects={"bbox": [[1, 2, 3, 4]]}),
        openai(text("?"), audios=["a.wav"]),
        openai(text("What does <bbox> mean?")),
    ]
    records, left_out = convert_all(folder, entries)
    assert len(records) == 1
    assert "has tags for boxes in its text" in left_out[0]
    assert "contains audio" in left_out[1]


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"../../x": {"annotation": "a.jsonl"}, "b": {"annotation": "a.jsonl"}}, "cannot name an"),
        ({"a": {"annotation": 3}}, '"annotation" of a is 3, which is not a path'),
        ({"a": {"annotation": "a.jsonl", "repeat_time": "x"}}, "\"repeat_time\" of a is 'x'"),
        (
            {"a": {"annotation": "a.jsonl", "repeat_time": float("nan")}},
            '"repeat_time" of a is nan',
        ),
    ],
)
def test_a_wrong_list_of_files_is_one_sentence(folder: Path, meta: Any, why: str) -> None:
    (folder / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(ValueError, match="meta.json") as caught:
        convert(folder / "meta.json", folder / "out.jsonl", "internvl")
    assert why in str(caught.value)


def test_a_file_of_two_formats_names_both(folder: Path) -> None:
    (folder / "in.json").write_text(json.dumps([llava("?"), openai(text())]))
    with pytest.raises(ValueError, match="with `conversations` and entries with `messages`; set"):
        convert(folder / "in.json", folder / "out.jsonl")
