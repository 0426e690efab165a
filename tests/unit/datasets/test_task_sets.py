"""Public annotation formats: what is read equals what was made, and faults get one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from data.tasks.annotations import Localized, Recognition, Segment, Segmented
from data.tasks.masks import unpack
from data.tasks.table import TASK_SETS, read_set
from data.tasks.toy import objects, segments
from data.tasks.toy.films import DIRECTIONS
from data.tasks.toy.sets import TOY_SETS

NUM_CLIPS, SEED = 20, 7


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    for name, make in TOY_SETS.items():
        make(folder / name, NUM_CLIPS, SEED)
    return folder


@pytest.mark.parametrize("name", TOY_SETS)
def test_each_toy_set_is_read_in_both_splits_and_its_media_exist(toys: Path, name: str) -> None:
    form = TASK_SETS[name]
    ids = []
    for split in (form.train, form.test):
        found = read_set(name, toys / name, split)
        assert all(isinstance(one, form.task) for one in found.annotations)
        for one in found.annotations:
            files = one.frames if isinstance(one, Segmented) else [one.video]
            assert all(path.is_file() for path in files)
        if form.task is Recognition:
            assert {one.label for one in found.annotations} == set(found.classes)
            assert len(found.classes) == len(DIRECTIONS)
        ids += [one.id for one in found.annotations]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", ["thumos", "activitynet", "hacs"])
def test_segments_that_are_read_are_those_that_were_drawn(toys: Path, name: str) -> None:
    drawn = {
        number: (
            test,
            tuple(Segment(m.start, m.end, segments.CLASSES[m.shape]) for m in shown.movers),
        )
        for number, test, shown in segments.films(NUM_CLIPS, SEED)
    }
    form, found = TASK_SETS[name], {}
    for test, split in ((False, form.train), (True, form.test)):
        for one in read_set(name, toys / name, split).annotations:
            assert isinstance(one, Localized)
            found[int(one.id[-7:])] = test, one.segments
            assert one.duration == (None if name == "thumos" else segments.SECONDS)
    assert found == drawn


@pytest.mark.parametrize("name", ["charades-sta", "qvhighlights"])
def test_a_sentence_holds_in_its_windows_and_nowhere_else(toys: Path, name: str) -> None:
    films = [(test, shown) for _, test, shown in segments.films(NUM_CLIPS, SEED)]
    wanted = {False: set(), True: set()}
    for test, shown in films:
        for text, windows in segments._described(shown):
            if name == "qvhighlights" or len(windows) == 1:
                dot = "." if name == "charades-sta" else ""
                wanted[test].add((text + dot, tuple(tuple(w) for w in windows)))
    form = TASK_SETS[name]
    for test, split in ((False, form.train), (True, form.test)):
        read = read_set(name, toys / name, split).annotations
        assert {(one.text, one.windows) for one in read} == wanted[test]
        assert {one.duration for one in read} == {segments.SECONDS}


def test_masks_that_are_read_are_the_pixels_that_were_drawn(toys: Path) -> None:
    form = TASK_SETS["ytvis"]
    found = {}
    for split in (form.train, form.test):
        found |= {one.id: one for one in read_set("ytvis", toys / "ytvis", split).annotations}
    for number, _, shown in objects.films(NUM_CLIPS, SEED):
        one = found[str(number + 1)]
        assert [track.category for track in one.objects] == [m.shape for m in shown.movers]
        for track, drawn in zip(one.objects, shown.masks, strict=True):
            for mask, pixels in zip(track.masks, drawn, strict=True):
                blank = np.zeros_like(pixels)
                assert ((blank if mask is None else unpack(mask)) == pixels).all()


def test_an_expression_means_the_objects_that_it_names(toys: Path) -> None:
    read = [
        one
        for split in ("train", "valid_u")
        for one in read_set("mevis", toys / "mevis", split).annotations
    ]
    films = list(objects.films(NUM_CLIPS, SEED))
    assert any(len(one.objects) > 1 for one in read)
    for one in read:
        shown = films[int(one.group.removeprefix("toy"))][2]
        who = objects._expressions(shown)[one.text]
        for track, number in zip(one.objects, who, strict=True):
            for mask, pixels in zip(track.masks, shown.masks[number], strict=True):
                assert (mask is not None) == pixels.any()
                assert mask is None or (unpack(mask) == pixels).all()


def test_captions_of_a_test_differ_and_name_what_is_seen(toys: Path) -> None:
    test = read_set("msrvtt", toys / "msrvtt", "test1k").annotations
    assert len({one.texts for one in test}) == len(test) == NUM_CLIPS // 5
    train = read_set("msrvtt", toys / "msrvtt", "train9k").annotations
    assert all(len(one.texts) == 3 for one in train)
    release = read_set("msrvtt", toys / "msrvtt", "train").annotations
    assert [one.id for one in release] == [one.id for one in train]
    assert not {one.id for one in train} & {one.id for one in test}
    paragraph = read_set("didemo", toys / "didemo", "test").annotations[0].texts
    assert len(paragraph) == 1
    assert sum(paragraph[0].count(word) for word in ("move",)) == 2


def test_a_set_is_the_same_for_the_same_seed_and_its_films_have_their_length(
    tmp_path: Path, toys: Path
) -> None:
    TOY_SETS["kinetics"](tmp_path / "kinetics", NUM_CLIPS, SEED)
    for path in sorted((toys / "kinetics").rglob("*")):
        if path.is_file():
            assert (tmp_path / path.relative_to(toys)).read_bytes() == path.read_bytes()
    one = read_set("ssv2", toys / "ssv2", "train").annotations[0]
    with av.open(str(one.video)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 16


# Each: a set, a file, how its text is changed, and what the sentence says besides the file's name.
HOSTILE = [
    ("kinetics", "train.csv", ("youtube_id", "youtube"), "no column 'youtube_id'"),
    ("kinetics", "val.csv", ("toy", "../../toy"), "outside of"),
    ("kinetics", "val.csv", ("moving", "flying"), "has the class"),
    ("kinetics", "val.csv", (",16,", ",x,"), "must have label"),
    ("ssv2", "labels/validation.json", ('"template"', '"temple"'), 'must have "id" and "template"'),
    ("ssv2", "labels/validation.json", ("]", ""), "is not JSON"),
    ("ssv2", "labels/validation.json", ("Moving", "Pushing"), "has the class"),
    ("ucf101", "ucfTrainTestlist/testlist01.txt", ("MoveUp/", "../"), "file"),
    ("ucf101", "ucfTrainTestlist/testlist01.txt", ("MoveUp/", ""), "must be CLASS/FILE.avi"),
    ("ucf101", "ucfTrainTestlist/classInd.txt", ("1 ", ""), "must be NUMBER CLASS"),
    ("hmdb51", "testTrainMulti_7030_splits/move_up_test_split1.txt", (".avi 2", ".avi 7"), "0, 1"),
    ("msrvtt", "MSRVTT_JSFUSION_test.csv", ("sentence", "text"), "no column 'sentence'"),
    ("msrvtt", "MSRVTT_train.9k.csv", ("video0", "video999"), "has no sentence"),
    (
        "msrvtt",
        "MSRVTT_data.json",
        ('"caption": "', '"caption": 5, "c": "'),
        'needs "caption", text',
    ),
    ("didemo", "test_data.json", ('"video": "', '"video": ["'), "is not JSON"),
    ("didemo", "test_data.json", ('"description"', '"text"'), 'needs "description", text'),
    ("didemo", "test_data.json", ("[", '{"a": ['), "is not JSON"),
    ("thumos", "annotation/RedCircle_val.txt", (".", ". "), "must be VIDEO START END"),
    ("thumos", "annotation/RedCircle_val.txt", (".", "x"), "not in seconds"),
    ("thumos", "annotation/RedCircle_val.txt", ("video_", "../video_"), "not inside of"),
    ("activitynet", "activity_net.v1-3.min.json", ('"duration": 8.0', '"duration": -8'), "seconds"),
    ("activitynet", "activity_net.v1-3.min.json", ("8.0", "NaN"), "not in seconds"),
    ("activitynet", "activity_net.v1-3.min.json", ('"label": "', '"label": 1, "l": "'), "text"),
    ("activitynet", "activity_net.v1-3.min.json", ('"database"', '"data"'), 'needs "database"'),
    (
        "activitynet",
        "activity_net.v1-3.min.json",
        ('"segment": [', '"segment": [0, '),
        "[start, end]",
    ),
    (
        "hacs",
        "HACS_segments_v1.1.1.json",
        ('"duration": 8.0', '"duration": true'),
        "not in seconds",
    ),
    ("charades-sta", "charades_sta_test.txt", ("##", "#"), "must be ID START END##SENTENCE"),
    ("charades-sta", "charades_sta_test.txt", ("TOY", "../TOY"), "not inside of"),
    ("charades-sta", "Charades_v1_test.csv", ("8.00", "long"), "not in seconds"),
    ("qvhighlights", "highlight_val_release.jsonl", ('"vid"', '"video"'), 'needs "vid", text'),
    ("qvhighlights", "highlight_val_release.jsonl", ("}", "]"), "is not JSON"),
    ("qvhighlights", "highlight_val_release.jsonl", ("[[", "[[1, 2, 3], ["), "[start, end]"),
    ("ytvis", "valid.json", ('"annotations"', '"notes"'), "not public"),
    ("ytvis", "valid.json", ('"counts": [', '"counts": [1, '), "do not add up"),
    ("ytvis", "valid.json", ('"height": 64', '"height": 63'), "but its video 63 x 64"),
    ("ytvis", "valid.json", ('"category_id": 1', '"category_id": 9'), "not listed"),
    ("ytvis", "valid.json", ('"video_id": 5', '"video_id": 77'), "does not list"),
    ("ytvis", "valid.json", ('"toy', '"../toy'), "not inside of"),
    ("ytvis", "valid.json", ("00007.jpg", "00006.jpg"), "different ones"),
    ("mevis", "valid_u/meta_expressions.json", ('"anno_id": [', '"anno_id": [999, '), "lacks"),
    ("mevis", "valid_u/meta_expressions.json", ('"exp"', '"text"'), 'needs "exp", text'),
    ("mevis", "valid_u/mask_dict.json", ('"counts": "', '"counts": "1'), "the mask of frame"),
    ("mevis", "valid_u/mask_dict.json", ("[", "[null, "), "masks for 8 frames"),
]


@pytest.mark.parametrize(("name", "file", "change", "sentence"), HOSTILE)
def test_a_broken_file_gets_one_sentence_with_its_name(
    toys: Path, tmp_path: Path, name: str, file: str, change: tuple[str, str], sentence: str
) -> None:
    folder = tmp_path / name
    for path in (toys / name).rglob("*"):
        if path.suffix in (".csv", ".json", ".jsonl", ".txt"):
            copy = folder / path.relative_to(toys / name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())
    text = (folder / file).read_text()
    assert change[0] in text
    (folder / file).write_text(text.replace(*change))
    with pytest.raises(ValueError, match=str(tmp_path)) as error:
        [read_set(name, folder, split) for split in (TASK_SETS[name].train, TASK_SETS[name].test)]
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", TOY_SETS)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\x00", b"[" * 5000, b"{}", b"null"])
def test_rubbish_instead_of_annotations_gets_one_sentence(
    toys: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    form = TASK_SETS[name]
    real = form.files(toys / name, form.test)
    for path in real:
        copy = tmp_path / path.relative_to(toys / name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    with pytest.raises(ValueError, match=str(tmp_path)) as error:
        form.read(tmp_path, form.test)
    assert "\n" not in str(error.value)


def test_unknown_names_and_missing_files_are_answered_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no data set 'kinetic'; there are kinetics, ssv2"):
        read_set("kinetic", tmp_path)
    with pytest.raises(ValueError, match="Kinetics has no split 'dev'; it has train, val, test"):
        read_set("kinetics", tmp_path, "dev")
    for name, form in TASK_SETS.items():
        with pytest.raises(ValueError, match="there is no .*; .* needs "):
            read_set(name, tmp_path, form.test)


def test_a_segment_that_ends_before_it_starts_is_left_out_and_one_that_ends_late_is_cut(
    tmp_path: Path,
) -> None:
    entries = [[5, 3], [6, 12], [-0.01, 2], [4, 4]]
    about = {"duration": 8, "subset": "Validation"}
    about["annotations"] = [{"segment": times, "label": "a"} for times in entries]
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "activity_net.v1-3.min.json"
    path.write_text(json.dumps({"database": {"x": about}}))
    (one,) = read_set("activitynet", tmp_path, "validation").annotations
    assert one.segments == (Segment(6, 8, "a"), Segment(0, 2, "a"))
    assert one.video == tmp_path / "videos" / "v_x.mp4"  # missing: found out when it is read


def test_the_command_makes_sets_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "data.tasks", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    made = run(str(tmp_path), "ytvis", "--clips", "20")
    assert made.returncode == 0
    assert len(read_set("ytvis", tmp_path / "ytvis", "valid").annotations) == 4
    assert "no toy set 'imagenet'; there are kinetics" in run(str(tmp_path), "imagenet").stderr
    assert "--clips must be at least 20" in run(str(tmp_path), "--clips", "3").stderr
