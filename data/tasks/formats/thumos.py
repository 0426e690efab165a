"""THUMOS'14: one file of segments per class and side.

    thumos/annotation/BaseballPitch_val.txt, BaseballPitch_test.txt     VIDEO START END
    thumos/validation/video_validation_0000266.mp4, thumos/test/...     anywhere below the folder

As papers do, it trains on the validation videos, since the training videos are cut to one action.
The lists hold no durations, and the videos are those with a segment. Ambiguous_*.txt is not read:
the protocol of ActivityNet, by which most papers score THUMOS'14, knows no ambiguous segments.
"""

from pathlib import Path

from data.tasks.annotations import Localized, Segment, TaskSet
from data.tasks.files import VideoIndex, span, text_lines
from data.tasks.set_format import SetFormat

SUFFIXES = {"validation": "_val.txt", "test": "_test.txt"}
AMBIGUOUS = "Ambiguous"


def _files(folder: Path, split: str) -> list[Path]:
    suffix = SUFFIXES[split]
    places = [
        folder / "annotation",
        folder / f"annotations_{split}",
        folder / "annotations",
        folder,
    ]
    found = [sorted(place.glob(f"*{suffix}")) for place in places]
    files = next((of_place for of_place in found if of_place), [places[0] / f"CLASS{suffix}"])
    return [path for path in files if not path.name.startswith(AMBIGUOUS)]


def _load(folder: Path, split: str) -> TaskSet[Localized]:
    videos = VideoIndex(folder)
    classes = []
    segments: dict[str, list[Segment]] = {}
    places: dict[str, str] = {}
    for path in _files(folder, split):
        label = path.name.removesuffix(SUFFIXES[split])
        classes.append(label)
        for where, line in text_lines(path):
            cells = line.split()
            if len(cells) != 3:
                raise ValueError(f"{where} must be VIDEO START END, not {line[:60]!r}")
            times = span(cells[1:], where)
            if times is not None:
                segments.setdefault(cells[0], []).append(Segment(*times, label))
                places.setdefault(cells[0], where)
    found = [
        Localized(name, videos.find(places[name], name), None, tuple(sorted(of_video, key=_begin)))
        for name, of_video in sorted(segments.items())
    ]
    return TaskSet(found, tuple(classes))


def _begin(segment: Segment) -> tuple[float, float, str]:
    return segment.start, segment.end, segment.label


THUMOS14 = SetFormat(
    title="THUMOS'14",
    task=Localized,
    needs="annotation/CLASS_val.txt and annotation/CLASS_test.txt, and the videos anywhere below",
    train="validation",
    test="test",
    splits=tuple(SUFFIXES),
    files=_files,
    load=_load,
)
