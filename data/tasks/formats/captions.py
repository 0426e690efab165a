"""Captions of clips: MSR-VTT and DiDeMo.

    msrvtt/MSRVTT_data.json            {"videos": [{"video_id", "split"}],
                                        "sentences": [{"video_id", "caption"}]}
    msrvtt/MSRVTT_train.9k.csv         video_id           the training side of the split 1k-A
    msrvtt/MSRVTT_JSFUSION_test.csv    video_id,sentence  its test: one sentence for each video
    didemo/test_data.json              [{"video": "ID.mp4", "description", "times", ...}]

The sentences of one video of DiDeMo are joined to a paragraph in file order, as retrieval papers
do. The videos are anywhere below the folder.
"""

from pathlib import Path
from typing import Any

from data.tasks.annotations import Captioned, TaskSet
from data.tasks.files import VideoIndex, first_of, json_file, member, table
from data.tasks.set_format import SetFormat

# Split -> its list of videos; the others are those of the release itself.
LISTS = {
    "train9k": "MSRVTT_train.9k.csv",
    "train7k": "MSRVTT_train.7k.csv",
    "test1k": "MSRVTT_JSFUSION_test.csv",
}
ONE_SENTENCE = "test1k"


def _msrvtt_files(folder: Path, split: str) -> list[Path]:
    data = first_of(folder, "MSRVTT_data.json", "annotation/MSR_VTT.json")
    listed = [first_of(folder, LISTS[split])] if split in LISTS else []
    return listed if split == ONE_SENTENCE else [*listed, data]


def _msrvtt(folder: Path, split: str) -> TaskSet[Captioned]:
    files = _msrvtt_files(folder, split)
    named: list[tuple[str, str, tuple[str, ...]]]
    if split == ONE_SENTENCE:
        rows = table(files[0], ["video_id", "sentence"])
        named = [(where, row["video_id"], (row["sentence"],)) for where, row in rows]
    else:
        data = json_file(files[-1])
        texts = _sentences(data, str(files[-1]))
        if split in LISTS:
            names = [(where, row["video_id"]) for where, row in table(files[0], ["video_id"])]
        else:
            names = _of_release(data, split, str(files[-1]))
        named = [(where, name, tuple(texts.get(name, ()))) for where, name in names]
    videos = VideoIndex(folder)
    return TaskSet([_captioned(videos, *one) for one in named])


def _sentences(data: Any, where: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, entry in enumerate(member(data, "sentences", list, where)):
        place = f"{where} sentence {number}"
        texts = found.setdefault(member(entry, "video_id", str, place), [])
        texts.append(member(entry, "caption", str, place))
    return found


def _of_release(data: Any, split: str, where: str) -> list[tuple[str, str]]:
    wanted = "validate" if split == "val" else split
    places = [(f"{where} video {i}", v) for i, v in enumerate(member(data, "videos", list, where))]
    return [
        (place, member(video, "video_id", str, place))
        for place, video in places
        if member(video, "split", str, place) == wanted
    ]


def _didemo_file(folder: Path, split: str) -> Path:
    return first_of(folder, f"{split}_data.json", f"data/{split}_data.json")


def _didemo(folder: Path, split: str) -> TaskSet[Captioned]:
    path = _didemo_file(folder, split)
    entries = json_file(path)
    if not isinstance(entries, list):
        raise ValueError(f"{path} must be a list of descriptions")
    texts: dict[str, list[str]] = {}
    for number, entry in enumerate(entries):
        where = f"{path} entry {number}"
        of_video = texts.setdefault(member(entry, "video", str, where), [])
        of_video.append(member(entry, "description", str, where).strip())
    videos = VideoIndex(folder)
    return TaskSet(
        [_captioned(videos, str(path), name, (" ".join(parts),)) for name, parts in texts.items()]
    )


def _captioned(videos: VideoIndex, where: str, name: str, texts: tuple[str, ...]) -> Captioned:
    if not texts or not all(text.strip() for text in texts):
        raise ValueError(f"{where}: {name} has no sentence")
    # DiDeMo names files with a suffix, but its videos come with others.
    return Captioned(name, videos.find(where, Path(name).stem, name), texts)


MSRVTT = SetFormat(
    title="MSR-VTT",
    task=Captioned,
    needs="MSRVTT_data.json, MSRVTT_train.9k.csv and MSRVTT_JSFUSION_test.csv, and the videos"
    " anywhere below",
    train="train9k",
    test="test1k",
    splits=("train9k", "test1k", "train7k", "train", "val", "test"),
    files=_msrvtt_files,
    load=_msrvtt,
)
DIDEMO = SetFormat(
    title="DiDeMo",
    task=Captioned,
    needs="train_data.json and test_data.json, and the videos anywhere below",
    train="train",
    test="test",
    splits=("train", "val", "test"),
    files=lambda folder, split: [_didemo_file(folder, split)],
    load=_didemo,
)
