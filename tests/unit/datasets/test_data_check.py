"""`python -m data check` counts the contents of record files and names unusable records."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.__main__ import main
from tests.media_maker import write_video
from tests.tiny import tiny_processor
from vlm.presets import preset_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's processor, sound media and broken media."""
    root = tmp_path_factory.mktemp("check")
    tiny_processor().save_pretrained(root / "model")
    preset_config("test").save_pretrained(root / "model")
    Image.effect_noise((90, 60), 50).convert("RGB").save(root / "a.png")
    Image.open(root / "a.png").save(root / "b.jpg")
    whole = (root / "b.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "words.png").write_text("no picture")
    write_video(root / "v.mp4", 6, size=(64, 48))
    return root


def record(*names: str, question: str = "What?", answer: str = "A.", turns: int = 1) -> str:
    parts: list[dict[str, str]] = [{"type": "text", "text": question}]
    for name in names:
        kind = "video" if name.endswith("mp4") or name.startswith("video:") else "image"
        parts.append({"type": kind, kind: name.removeprefix("video:").removeprefix("image:")})
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": parts}, {"role": "assistant", "content": answer}
    ]  # fmt: skip
    for turn in range(1, turns):
        messages += [{"role": "user", "content": f"And {turn}?"}, messages[1]]
    return json.dumps({"messages": messages})


def checked(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *lines: str,
    options: tuple[str, ...] = (),
) -> tuple[int, str]:
    """Runs the command; returns its exit code and output."""
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = ("--model", str(folder / "model"))
    monkeypatch.setattr("sys.argv", ["data", "check", str(path), *model, *options])
    return main(), capsys.readouterr().out


def test_sound_records_are_counted_by_their_media(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (record(), record("a.png"), record("a.png", "a.png", turns=3), record("v.mp4"),
             record("v.mp4", "v.mp4"), record("a.png", "v.mp4", turns=2))  # fmt: skip
    code, printed = checked(folder, capsys, monkeypatch, *lines)
    assert code == 0
    assert "No problems." in printed
    for words in ("text only", "one picture", "several pictures", "one clip", "several clips"):
        assert words in printed
    assert "6 records in the right format, 9 answers" in printed
    assert "█" in printed

    code, printed = checked(folder, capsys, monkeypatch, *lines, options=("--json",))
    found = json.loads(printed)
    assert found["media"] == {"image": 4, "video": 4}
    assert found["turns"] == {"1": 4, "2": 1, "3": 1}
    assert found["lengths"]["longest"] > found["lengths"]["shortest"]


def test_lengths_equal_those_of_the_prompt(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--json", "--frames", "4", "--looks", "2")
    lengths = [
        json.loads(checked(folder, capsys, monkeypatch, line, options=options)[1])["lengths"]
        for line in (record(), record("a.png"), record("v.mp4"))
    ]
    writer = tiny_processor().writer
    words, picture, clip = (found["total"] for found in lengths)
    assert picture - words == writer.image_tokens(2)
    assert clip - words == writer.video_tokens(4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "is not JSON"),
        (record("gone.png"), '"gone.png" does not exist'),
        (record("words.png"), "not a video or picture"),
        (record("video:a.png"), "is a still picture, but the record calls it a video"),
        (
            record("image:v.mp4").replace('"video"', '"image"'),
            "is a video, but the record calls it an image",
        ),
        (record(question="<image>\nWhat?"), "contains the text <image>, which shows no media"),
        (record(answer="  "), "has an empty answer"),
        (record("../secret.png"), "leads out of the folder"),
        (record("a.png"), "is the same conversation as"),
    ],
)
def test_every_problem_has_a_file_and_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    message: str,
) -> None:
    code, printed = checked(folder, capsys, monkeypatch, record("a.png"), "", line)
    assert code == 1
    (problem,) = [text for text in printed.splitlines() if "records.jsonl, line 3: " in text]
    assert message in problem


def test_only_decoding_finds_damage_behind_a_sound_header(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked(folder, capsys, monkeypatch, record("cut.jpg"))[0] == 0
    code, printed = checked(folder, capsys, monkeypatch, record("cut.jpg"), options=("--decode",))
    assert code == 1
    assert "cannot be read to its end" in printed


def test_a_missing_file_gives_a_one_sentence_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    command = ["data", "check", "gone.jsonl", "--model", str(folder / "model")]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 2
    assert capsys.readouterr().err == (
        "python -m data check: gone.jsonl: cannot be read (No such file or directory).\n"
    )
