"""YouTube-VIS: instances of categories with a mask per frame.

    ytvis/train.json or ytvis/train/instances.json       COCO's form, with "videos"
    ytvis/train/JPEGImages/ID/00000.jpg

A mask is null where the object is not visible. The truth of the published valid and test files is
not public; a file without annotations is refused. Crowds ("iscrowd": 1) are left out.
"""

from pathlib import Path
from typing import Any

from data.tasks.annotations import MaskTrack, Rle, Segmented, TaskSet
from data.tasks.files import first_of, inside, json_file, member
from data.tasks.masks import checked
from data.tasks.set_format import SetFormat


def _file(folder: Path, split: str) -> Path:
    return first_of(folder, f"{split}.json", f"{split}/instances.json", f"{split}/{split}.json")


def _load(folder: Path, split: str) -> TaskSet[Segmented]:
    path = _file(folder, split)
    data = json_file(path)
    if isinstance(data, dict) and data.get("annotations") is None:
        raise ValueError(f'{path} has no "annotations": the truth of this split is not public')
    categories = {
        member(entry, "id", int, f"{path} category"): member(entry, "name", str, f"{path} category")
        for entry in member(data, "categories", list, str(path))
    }
    tracks: dict[int, list[dict[str, Any]]] = {}
    for entry in member(data, "annotations", list, str(path)):
        where = f"{path} annotation"
        tracks.setdefault(member(entry, "video_id", int, where), []).append(entry)
    found = [
        _video(folder / split / "JPEGImages", entry, tracks, categories, path)
        for entry in member(data, "videos", list, str(path))
    ]
    if tracks:
        raise ValueError(f"{path} has masks of the video {min(tracks)}, which it does not list")
    return TaskSet(found, tuple(categories[number] for number in sorted(categories)))


def _video(
    root: Path,
    entry: Any,
    tracks: dict[int, list[dict[str, Any]]],
    categories: dict[int, str],
    path: Path,
) -> Segmented:
    number = member(entry, "id", int, f"{path} video")
    where = f"{path} video {number}"
    height, width = (member(entry, side, int, where) for side in ("height", "width"))
    names = member(entry, "file_names", list, where)
    frames = tuple(inside(root, str(name), where) for name in names)
    if not frames or len({frame.name for frame in frames}) < len(frames):
        raise ValueError(f'{where} needs "file_names", different ones')
    objects = []
    for track in tracks.pop(number, []):
        if track.get("iscrowd"):
            continue
        of_track = f"{path} annotation {track.get('id')}"
        category = categories.get(member(track, "category_id", int, of_track))
        if category is None:
            raise ValueError(f"{of_track} has the category {track['category_id']}, not listed")
        masks = read_masks(
            member(track, "segmentations", list, of_track), (height, width), len(frames), of_track
        )
        objects.append(MaskTrack(str(track.get("id")), masks, category))
    return Segmented(str(number), frames, tuple(objects), height, width, group=str(number))


def read_masks(
    values: list[Any], size: tuple[int, int] | None, num_frames: int, where: str
) -> tuple[Rle | None, ...]:
    """Returns the masks of one object on all frames."""
    if len(values) != num_frames:
        raise ValueError(f"{where} has {len(values)} masks for {num_frames} frames")
    masks = []
    for t, value in enumerate(values):
        try:
            masks.append(None if value is None else checked(value, size))
        except ValueError as error:
            raise ValueError(f"{where}: the mask of frame {t} {error}") from None
    return tuple(masks)


YOUTUBE_VIS = SetFormat(
    title="YouTube-VIS",
    task=Segmented,
    needs="train.json and valid.json with annotations (or train/instances.json), and the frames in"
    " train/JPEGImages/ and valid/JPEGImages/",
    train="train",
    test="valid",
    splits=("train", "valid", "test"),
    files=lambda folder, split: [_file(folder, split)],
    load=_load,
)
