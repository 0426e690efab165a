"""Kinetics' lists and Something-Something v2's.

    kinetics/train.csv, val.csv            label,youtube_id,time_start,time_end,split
    kinetics/val/CLASS/ID_000010_000020.mp4, or all clips in one folder
    ssv2/labels/train.json, validation.json, labels.json, or something-something-v2-*.json
    ssv2/videos/ID.webm, or 20bn-something-something-v2/ID.webm

The classes of Kinetics are the labels of its training list in alphabetical order, those of
Something-Something are in the order of its labels.json.
"""

from collections.abc import Iterable
from pathlib import Path

from data.clips.lists import Line, read_lines, read_names
from data.tasks.annotations import Recognition, TaskSet
from data.tasks.files import first_of, table
from data.tasks.set_format import SetFormat

SOMETHING = "20bn-something-something-v2"


def _kinetics_list(folder: Path, split: str) -> Path:
    return first_of(folder, f"{split}.csv", f"annotations/{split}.csv")


def _kinetics(folder: Path, split: str) -> TaskSet[Recognition]:
    path, train = _kinetics_list(folder, split), _kinetics_list(folder, "train")
    places = (folder / split, folder / "videos" / split, folder / "videos")
    root = next((place for place in places if place.is_dir()), folder)
    of_classes = train if train.is_file() else path
    classes = sorted({row["label"] for _, row in table(of_classes, ["label", "youtube_id"])})
    return TaskSet(_clips(read_lines(path, root), root), tuple(classes))


def _something_file(folder: Path, name: str) -> Path:
    long = f"something-something-v2-{name}.json"
    return first_of(folder, f"labels/{name}.json", f"{name}.json", long, f"labels/{long}")


def _something(folder: Path, split: str) -> TaskSet[Recognition]:
    places = (folder / "videos", folder / SOMETHING)
    root = next((place for place in places if place.is_dir()), folder)
    lines = read_lines(_something_file(folder, split), root)
    return TaskSet(_clips(lines, root), tuple(read_names(_something_file(folder, "labels"))))


def _clips(lines: Iterable[Line], root: Path) -> list[Recognition]:
    clips = []
    for line in lines:
        try:
            name = line.path.relative_to(root)
        except ValueError:
            name = Path("..")
        if ".." in name.parts or "\0" in str(name):
            raise ValueError(f"{line.where} names a file outside of {root}")
        clips.append(Recognition(name.with_suffix("").as_posix(), line.path, line.label))
    return clips


KINETICS = SetFormat(
    title="Kinetics",
    task=Recognition,
    needs="train.csv and val.csv (label,youtube_id,time_start,time_end,split), and the clips in"
    " train/CLASS/ and val/CLASS/",
    train="train",
    test="val",
    splits=("train", "val", "test"),
    files=lambda folder, split: [_kinetics_list(folder, split)],
    load=_kinetics,
)
SOMETHING_V2 = SetFormat(
    title="Something-Something v2",
    task=Recognition,
    needs="labels/train.json, labels/validation.json and labels/labels.json, and the clips in"
    " videos/ or 20bn-something-something-v2/",
    train="train",
    test="validation",
    splits=("train", "validation"),
    files=lambda folder, split: [_something_file(folder, name) for name in (split, "labels")],
    load=_something,
)
