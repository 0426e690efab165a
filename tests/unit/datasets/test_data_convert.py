"""Other formats become records; skipped entries are listed with location and reason."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.__main__ import main
from data.convert.run import convert
from data.records import MediaFile, Record, RecordText, read_records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of media as other projects lay them out."""
    (tmp_path / "coco").mkdir()
    for name in ("coco/1.jpg", "a.png", "b.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "v.mp4").write_bytes(b"not looked into here")
    (tmp_path / "w.mp4").write_bytes(b"nor here")
    return tmp_path


def conversation(*turns: str, **more: Any) -> dict[str, Any]:
    """A conversation in LLaVA's and ShareGPT's form, human first."""
    speakers = ("human", "gpt")
    values = [{"from": speakers[i % 2], "value": text} for i, text in enumerate(turns)]
    return {"conversations": values, **more}


def converted(folder: Path, entries: list[Any], format: str = "", name: str = "in.json"):  # noqa: ANN201
    """The records, and (entry, reason) of the skipped ones."""
    path = folder / name
    if name.endswith(".json"):
        path.write_text(json.dumps(entries), encoding="utf-8")
    else:
        lines = [e if isinstance(e, str) else json.dumps(e) for e in entries]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (result,) = convert(path, folder / "out.jsonl", format)
    left_out = [(where.rpartition(" ")[2], why) for where, why in result.left_out]
    return list(read_records(folder / "out.jsonl")), left_out


def parts(record: Record, message: int = 0) -> list[str]:
    """The parts of a message: texts or file names."""
    return [
        part.text if isinstance(part, RecordText) else part.path.name
        for part in record.messages[message].parts
        if isinstance(part, RecordText | MediaFile)
    ]


def test_llava_data_with_a_picture_several_pictures_a_video_and_only_text(folder: Path) -> None:
    records, left_out = converted(
        folder,
        [
            conversation(
                "<image>\nDescribe.", "A cat.", "Where?", "Here.", id="9", image="coco/1.jpg"
            ),
            conversation("<image>\n<image>\nDifferences?", "None.", image=["a.png", "b.png"]),
            conversation("<video>\nWhat happens?", "It falls.", video="v.mp4"),
            conversation("text only", "Yes."),
            conversation(
                "Compare\n<image> with <image>, please.", "Same.", image=["a.png", "b.png"]
            ),
        ],
    )
    assert left_out == []
    assert [parts(record) for record in records] == [
        ["1.jpg", "Describe."],
        ["a.png", "b.png", "Differences?"],
        ["v.mp4", "What happens?"],
        ["text only"],
        ["Compare", "a.png", " with ", "b.png", ", please."],
    ]
    assert records[0].id == "9"
    assert records[0].turns == (("Describe.", "A cat."), ("Where?", "Here."))
    assert records[0].media[0].path == folder / "coco" / "1.jpg"
    assert records[2].media[0].kind == "video"


def test_media_without_any_tag_precede_the_question(folder: Path) -> None:
    records, _ = converted(folder, [conversation("What is it?", "A cat.", image="a.png")])
    assert parts(records[0]) == ["a.png", "What is it?"]


def test_an_image_tag_may_stand_for_a_video_as_in_llava_video(folder: Path) -> None:
    records, _ = converted(folder, [conversation("<image>\nWhat is it?", "A cat.", video="v.mp4")])
    assert (parts(records[0]), records[0].media[0].kind) == (["v.mp4", "What is it?"], "video")


def test_sharegpt_data_with_lists_of_media_and_a_system_text(folder: Path) -> None:
    records, left_out = converted(
        folder,
        [
            conversation("<image>Which?", "This.", images=["a.png"], system="Be brief."),
            conversation("<video>and<video>?", "Both.", "<image>?", "A.", videos=["v.mp4", "w.mp4"],
                 images=["a.png"]),
            {"conversations": [{"from": "system", "value": "Be."},
                               *conversation("a", "b")["conversations"]], "images": []},
            conversation("a", "b", audios=["x.wav"]),
            {"conversations": [{"from": "human", "value": "a"},
                               {"from": "function_call", "value": "{}"}], "images": []},
        ],
    )  # fmt: skip
    assert [parts(record) for record in records] == [
        ["Be brief."],
        ["v.mp4", "and", "w.mp4", "?"],
        ["Be."],
    ]
    assert parts(records[1], 2) == ["a.png", "?"]
    assert [number for number, _ in left_out] == ["4", "5"]
    assert "audio" in left_out[0][1]
    assert "'function_call', which records cannot hold" in left_out[1][1]


def test_openai_messages_with_parts_and_with_tags(folder: Path) -> None:
    picture = base64.b64encode((folder / "a.png").read_bytes()).decode()
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        {"type": "image_url", "image_url": {"url": "b.png"}},
        {"type": "video_url", "video_url": {"url": "v.mp4"}},
    ]
    answer = {"role": "assistant", "content": "A cat."}
    records, left_out = converted(
        folder,
        [
            {"messages": [{"role": "developer", "content": "Be brief."},
                          {"role": "user", "content": content}, answer]},
            {"messages": [{"role": "user", "content": "<video>What?"}, answer],
             "videos": ["v.mp4"]},
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {
                "url": "https://example.org/x.png"}}]}, answer]},
            {"messages": [{"role": "user", "content": "a"},
                          {"role": "assistant", "content": None, "tool_calls": [{}]}]},
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}, answer]},
            "{broken",
        ],
        name="in.jsonl",
    )  # fmt: skip
    assert records[0].messages[0].role == "system"
    assert parts(records[0], 1)[0] == "Look:"
    assert records[0].media[0].path.read_bytes() == (folder / "a.png").read_bytes()
    assert [media.kind for media in records[0].media] == ["image", "image", "video"]
    assert parts(records[1]) == ["v.mp4", "What?"]
    assert [number for number, _ in left_out] == ["3", "4", "5", "6"]
    for (_, why), word in zip(left_out, ("network", "tool", "input_audio", "JSON"), strict=True):
        assert word in why


def test_internvl_lists_are_read_and_their_repeat_counts_become_weights(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sets").mkdir()
    one = conversation("<image>\nWhat?", "A.", id=7, image="1.jpg", width=4, height=4)
    two = conversation("Image-1: <image>\nImage-2: <image>\nWhich?", "A.", image=["a.png", "b.png"],
               width_list=[4, 4], height_list=[4, 4])  # fmt: skip
    (folder / "sets" / "one.jsonl").write_text(json.dumps(one) + "\n")
    (folder / "sets" / "two.jsonl").write_text(json.dumps(two) + "\n")
    meta = {
        "coco": {"root": "coco", "annotation": "sets/one.jsonl", "repeat_time": 2, "length": 1},
        "pairs": {"root": ".", "annotation": "sets/two.jsonl", "data_augment": False},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    command = ["data", "convert", "--from", "internvl", str(folder / "meta.json"), str(folder)]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 0
    (coco,), (pairs,) = read_records(folder / "coco.jsonl"), read_records(folder / "pairs.jsonl")
    assert coco.media[0].path == folder / "coco" / "1.jpg"
    assert (coco.id, parts(pairs)) == ("7", ["a.png", "b.png", "Which?"])
    assert "- {path: coco.jsonl, weight: 2}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (conversation("<image><image>?", "A.", image="a.png"), "has 2 <image> tags but 1 image"),
        (conversation("<image>?", "A."), "has 1 <image> tag but 0 images"),
        (
            conversation("<image>?", "A <image>.", image=["a.png", "b.png"]),
            "a turn of the assistant contains",
        ),
        (conversation("<image>?", "A.", image="gone.png"), "the image gone.png does not exist"),
        (conversation("<image>?", "A.", image="coco"), "the image coco is a folder"),
        (conversation("<image>?", "A.", image="../../etc/passwd"), "is outside"),
        (conversation("<image>?", "A.", image=[["a.png"]]), "is not a file name"),
        (conversation("<image>?", image="a.png"), "roles must be user, assistant"),
        (conversation("?", " "), "a turn of the assistant is empty"),
        ({"conversations": []}, '"conversations" is missing or empty'),
        ({"conversations": [{"from": "gpt", "value": "a"}]}, "roles must be"),
        ({"conversations": [{"from": "human", "value": 3}]}, "which is not a string"),
        (["x"], "is not a JSON object"),
    ],
)
def test_an_entry_that_records_cannot_hold_is_skipped_with_location_and_reason(
    folder: Path, entry: Any, why: str
) -> None:
    good = conversation("a", "b")
    records, left_out = converted(folder, [good, entry, good])
    assert len(records) == 2
    ((number, reason),) = left_out
    assert number == "2"
    assert why in reason
    listed = (folder / "out.not-converted.jsonl").read_text(encoding="utf-8")
    assert json.loads(listed)["why"] == reason


def test_media_elsewhere_are_copied_only_on_request(folder: Path, tmp_path: Path) -> None:
    (folder / "in.json").write_text(
        json.dumps([conversation("<image>?", "A.", image="coco/1.jpg")])
    )
    out = folder / "records" / "out.jsonl"
    with pytest.raises(ValueError, match="add --copy-media"):
        convert(folder / "in.json", out)
    assert not out.exists()
    convert(folder / "in.json", out, copy=True)
    (record,) = read_records(out)
    assert record.media[0].path == folder / "records" / "media" / "coco" / "1.jpg"
    assert record.media[0].path.is_file()


def test_an_unclear_format_raises_and_names_the_option(folder: Path) -> None:
    odd = folder / "odd.json"
    odd.write_text(
        json.dumps(
            [conversation("a", "b", image="a.png"), conversation("a", "b", images=["a.png"])]
        )
    )
    with pytest.raises(
        ValueError, match="has both `image` and `images`; set the format with --from"
    ):
        convert(odd, folder / "out.jsonl")
    odd.write_text("[]")
    with pytest.raises(ValueError, match="contains no conversation"):
        convert(odd, folder / "out.jsonl")
    odd.write_text('[{"text": "a"}]')
    with pytest.raises(ValueError, match="neither `conversations` nor `messages`"):
        convert(odd, folder / "out.jsonl")
    odd.write_text('[{"text": "a"')
    with pytest.raises(ValueError, match="line 1: is not JSON"):
        convert(odd, folder / "out.jsonl")


def test_the_command_reports_an_error_in_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["data", "convert", str(folder / "gone.json"), "out.jsonl"])
    assert main() == 2
    error = capsys.readouterr().err
    assert "gone.json: cannot be read (No such file or directory)" in error
    assert len(error.splitlines()) == 1
