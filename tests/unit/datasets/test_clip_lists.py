"""Lists of labeled clips in the forms that public data sets come in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from data.__main__ import main
from data.clips.dataset import ClipCollator, ClipDataset
from data.clips.folders import LabeledClip, split_held_out
from data.clips.lists import read_lists
from data.clips.motion import make
from tests.media_maker import write_video
from vlm.encoders import PRESETS

CONFIG = PRESETS["vtn-test"].tower


def clips_of(path: Path, text: str, **options: Path) -> tuple[list[tuple[str, int]], list[str]]:
    path.write_text(text, encoding="utf-8")
    (clips,), names = read_lists([path], **options)
    root = options.get("root", path.parent)
    return [(clip.path.relative_to(root).as_posix(), clip.label) for clip in clips], names


def test_a_jsonl_names_file_and_class(tmp_path: Path) -> None:
    text = '{"video": "a/1.mp4", "label": "wave"}\n\n{"image": "b.png", "label": "jump"}\n'
    found = clips_of(tmp_path / "x.jsonl", text)
    assert found == ([("a/1.mp4", 1), ("b.png", 0)], ["jump", "wave"])


@pytest.mark.parametrize("separator", [" ", ",", "\t"])
def test_lines_of_file_and_class_may_have_spaces(separator: str, tmp_path: Path) -> None:
    text = f"a b/1.mp4{separator}ride a bike\nc.avi{separator}swim\n"
    found = clips_of(tmp_path / "x.csv", text)
    assert found == ([("a b/1.mp4", 0), ("c.avi", 1)], ["ride a bike", "swim"])


def test_numbers_are_classes_in_their_order(tmp_path: Path) -> None:
    found = clips_of(tmp_path / "x.txt", "a.mp4 10\nb.mp4 9\nc.mp4 10\n")
    assert found == ([("a.mp4", 1), ("b.mp4", 0), ("c.mp4", 1)], ["9", "10"])
    (tmp_path / "names.txt").write_text("run\nsit\nhop\n", encoding="utf-8")
    names = tmp_path / "names.txt"
    assert clips_of(tmp_path / "y.txt", "a.mp4 2\nb.mp4 sit\n", names=names) == (
        [("a.mp4", 2), ("b.mp4", 1)],
        ["run", "sit", "hop"],
    )


def test_kinetics_own_lists_name_the_files_by_their_seconds(tmp_path: Path) -> None:
    (tmp_path / "clips" / "surfing").mkdir(parents=True)
    (tmp_path / "clips" / "surfing" / "abc_000010_000020.webm").touch()
    text = "label,youtube_id,time_start,time_end,split\n"
    text += "surfing,abc,10,20,train\nrunning,-x,5,15,train\n"
    found, names = clips_of(tmp_path / "train.csv", text, root=tmp_path / "clips")
    assert found == [("surfing/abc_000010_000020.webm", 1), ("-x_000005_000015.mp4", 0)]
    assert names == ["running", "surfing"]


def test_something_something_has_templates_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"Pushing something": "1", "Holding something": "0"}')
    entries = [
        {"id": "7", "label": "pushing a cup", "template": "Pushing [something]"},
        {"id": 8, "template": "Holding [something]"},
    ]
    names = tmp_path / "labels.json"
    found = clips_of(tmp_path / "train.json", json.dumps(entries), names=names)
    assert found == ([("7.webm", 1), ("8.webm", 0)], ["Holding something", "Pushing something"])


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("x.jsonl", '{"video": "a.mp4"}\n', 'x.jsonl line 1 must be {"video"'),
        ("x.jsonl", '{"video": "a.mp4", "label": "a"}\n{', "x.jsonl line 2 is not JSON"),
        ("x.csv", "a.mp4 left\nb.mp4\n", "x.csv line 2 must be FILE CLASS"),
        ("x.csv", "a.mp4 left\nb.mp4 left\n", "needs clips of at least two classes; found 1"),
        ("x.csv", "label,youtube_id\na,b\n", "x.csv line 2 must have label, youtube_id"),
        ("x.json", '[{"id": 1}]', 'x.json entry 1 must have "id" and "template"'),
    ],
)
def test_a_wrong_line_is_named(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence) as error:
        clips_of(tmp_path / name, text)
    assert "\n" not in str(error.value)


def test_a_class_that_the_names_lack_is_named(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("run\nsit\n", encoding="utf-8")
    with pytest.raises(ValueError, match="x.csv line 1: .*names.txt has no class '2'"):
        clips_of(tmp_path / "x.csv", "a.mp4 2\n", names=tmp_path / "names.txt")


def test_lists_share_their_classes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1.mp4 b\n")
    (tmp_path / "b.csv").write_text("2.mp4 a\n")
    (train, held), names = read_lists([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert names == ["a", "b"]
    assert (train[0].label, held[0].label) == (1, 0)


def test_what_is_held_out_does_not_depend_on_where_the_clips_are(tmp_path: Path) -> None:
    def held(root: Path) -> list[str]:
        clips = [LabeledClip(root / f"{n}.mp4", 0) for n in range(50)]
        return [clip.path.name for clip in split_held_out(clips, 0.3, root)[1]]

    assert held(tmp_path / "a") == held(tmp_path / "b") != []


def test_a_clip_that_cannot_be_read_leaves_a_blank_that_does_not_count(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 6, size=(32, 24))
    (tmp_path / "b.mp4").write_bytes(b"no film")
    clips = [LabeledClip(tmp_path / name, 1, f"list line {n}") for n, name in enumerate(
        ("a.mp4", "b.mp4", "gone.mp4"), 1
    )]  # fmt: skip
    data = ClipDataset(clips, CONFIG, 4)
    batch = ClipCollator(CONFIG, 4)([data[place] for place in range(3)])
    assert batch["clip"].shape == (3, 4, 3, 16, 16)
    assert batch["valid"].tolist() == [True, False, False]
    assert [one["where"] for one in batch["quarantined"]] == ["list line 2", "list line 3"]
    assert batch["clip"][1:].count_nonzero() == 0
    assert torch.equal(batch["clip"][0], data[0]["clip"])  # type: ignore[index]


def test_the_made_set_is_balanced_and_played_backward(tmp_path: Path) -> None:
    make(tmp_path, 40, seed=3)
    (train, held), names = read_lists([tmp_path / "train.jsonl", tmp_path / "held.jsonl"])
    assert names == ["down", "left", "right", "up"]
    assert np.bincount([clip.label for clip in train]).tolist() == [8] * 4
    assert np.bincount([clip.label for clip in held]).tolist() == [2] * 4
    first = {clip.path.name: clip for clip in (*train, *held)}
    data = ClipDataset([first["0001-right.mp4"], first["0001-left.mp4"]], CONFIG, 16)
    right, left = (data[place]["clip"] for place in range(2))  # type: ignore[index]
    assert (right - left.flip(0)).abs().mean() < 0.1  # each is compressed by itself
    assert (right - left).abs().mean() > 0.1
    make(tmp_path / "again", 40, seed=3)
    name = "clips/0001-left.mp4"
    assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.fixture(scope="module")
def checkable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of two clips each, one of which is no film."""
    root = tmp_path_factory.mktemp("checkable")
    for name in ("red", "blue"):
        (root / name).mkdir()
        write_video(root / name / "1.mp4", 4, size=(64, 48))
    (root / "red" / "2.mp4").write_text("no film", encoding="utf-8")
    write_video(root / "blue" / "2.mp4", 4, size=(64, 48))
    return root


def checked(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["data", "check", *arguments])
    return main()


@pytest.mark.parametrize("decode", [[], ["--decode"]])
def test_data_check_counts_the_clips_of_a_list_and_names_what_is_wrong(
    decode: list[str],
    checkable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = ["red/1.mp4", "red/2.mp4", "blue/1.mp4", "gone.mp4", "red/1.mp4"]
    labels = ["red", "red", "blue", "blue", "blue"]
    lines = [json.dumps({"video": f, "label": x}) for f, x in zip(files, labels, strict=True)]
    path = tmp_path / "clips.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [*decode, "--data-root", str(checkable)]
    assert checked([str(path), *options], monkeypatch) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{path}: 5 clips"
    assert [line.split() for line in said[2:5]] == [["2", "classes"], ["blue", "3"], ["red", "2"]]
    problems = [line for line in said if line.startswith(f"{path} line")]
    assert [line.split(":")[0][-1] for line in problems] == ["2", "4", "5"]
    assert '"1.mp4" is in ' in problems[2]
    assert checked([str(path), *options, "--json"], monkeypatch) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["problem_counts"] == {"unreadable": 1, "missing": 1, "twice": 1}


def test_data_check_reads_class_folders_and_lists_of_files_and_classes(
    checkable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked([str(checkable)], monkeypatch) == 1
    assert f"{checkable}: 4 clips" in capsys.readouterr().out
    path = checkable / "list.csv"
    path.write_text("red/1.mp4 red\nblue/1.mp4 blue\n", encoding="utf-8")
    assert checked([str(path)], monkeypatch) == 0
    assert "No problems." in capsys.readouterr().out
    path.write_text("red/1.mp4\n", encoding="utf-8")
    assert checked([str(path)], monkeypatch) == 2
    said = capsys.readouterr().err
    assert "list.csv line 1 must be FILE CLASS" in said
    assert len(said.splitlines()) == 1
