"""ActivityNet's form of segments, which HACS and FineAction share.

    activitynet/activity_net.v1-3.min.json    {"database": {ID: {"subset", "duration",
    hacs/HACS_segments_v1.1.1.json               "annotations": [{"segment": [0, 9.5], "label"}]}}}

The videos are anywhere below the folder, as v_ID.mp4 or ID.mp4. The classes are the labels of all
subsets in alphabetical order. A segment that ends before it starts is left out.
"""

from functools import partial
from pathlib import Path
from typing import Any

from data.tasks.annotations import Localized, Segment, TaskSet
from data.tasks.files import VideoIndex, an_object, first_of, json_file, member, seconds, span
from data.tasks.set_format import SetFormat


def read_database(path: Path, folder: Path, split: str) -> TaskSet[Localized]:
    """Returns the videos of a subset, whose name is compared without regard to case."""
    database = member(json_file(path), "database", dict, str(path))
    videos = VideoIndex(folder)
    classes: set[str] = set()
    found = []
    for name, about in database.items():
        where = f"{path}: {name}"
        entries = an_object(about, where).get("annotations") or []
        if not isinstance(entries, list):
            raise ValueError(f'{where} needs "annotations", a list')
        classes |= {member(entry, "label", str, where) for entry in entries}
        if str(about.get("subset")).lower() == split:
            duration = seconds(about.get("duration"), where)
            video = videos.find(where, f"v_{name}", name)
            segments = _segments(entries, where, duration)
            found.append(Localized(name, video, duration, segments))
    return TaskSet(found, tuple(sorted(classes)))


def _segments(entries: list[Any], where: str, duration: float) -> tuple[Segment, ...]:
    found = []
    for entry in entries:
        if (times := span(entry.get("segment"), where, duration)) is not None:
            found.append(Segment(*times, entry["label"]))
    return tuple(found)


def _file(names: tuple[str, ...], folder: Path) -> Path:
    return first_of(folder, *names, *(f"annotations/{name}" for name in names))


def _format(title: str, *names: str) -> SetFormat:
    file = partial(_file, names)
    return SetFormat(
        title=title,
        task=Localized,
        needs=f"{names[0]}, and the videos as v_ID.mp4 anywhere below",
        train="training",
        test="validation",
        splits=("training", "validation", "testing"),
        files=lambda folder, split: [file(folder)],
        load=lambda folder, split: read_database(file(folder), folder, split),
    )


ACTIVITYNET = _format("ActivityNet", "activity_net.v1-3.min.json", "activity_net.v1-2.min.json")
HACS = _format("HACS", "HACS_segments_v1.1.1.json", "HACS_segments_v1.1.json")
FINEACTION = _format("FineAction", "annotations_gt.json")
