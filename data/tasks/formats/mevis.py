"""MeViS: expressions about motion, and the masks of the objects that each means.

    mevis/train/meta_expressions.json   {"videos": {ID: {"frames": ["00000"], "expressions":
                                         {"0": {"exp": "the bird flying away", "anno_id": [3]}}}}}
    mevis/train/mask_dict.json          {"3": [{"size": [H, W], "counts": "..."}, null]}
    mevis/train/JPEGImages/ID/00000.jpg

The split valid_u has public masks, the split valid has none.
"""

from pathlib import Path
from typing import Any

from data.tasks.annotations import MaskTrack, Segmented, TaskSet
from data.tasks.files import an_object, inside, json_file, member
from data.tasks.formats.youtube_vis import read_masks
from data.tasks.set_format import SetFormat


def _files(folder: Path, split: str) -> list[Path]:
    return [folder / split / name for name in ("meta_expressions.json", "mask_dict.json")]


def _load(folder: Path, split: str) -> TaskSet[Segmented]:
    path, of_masks = _files(folder, split)
    videos = member(json_file(path), "videos", dict, str(path))
    masks = an_object(json_file(of_masks), str(of_masks))
    found = []
    for name, about in videos.items():
        where = f"{path}: {name}"
        names = member(about, "frames", list, where)
        root = inside(folder / split / "JPEGImages", name, where)
        frames = tuple(inside(root, f"{frame}.jpg", where) for frame in names)
        tracks: dict[str, MaskTrack] = {}
        for key, entry in member(about, "expressions", dict, where).items():
            place = f"{where} expression {key}"
            text = member(entry, "exp", str, place)
            who = [str(number) for number in member(entry, "anno_id", list, place)]
            for number in who:
                if number not in tracks:
                    tracks[number] = _track(masks, number, len(frames), place, of_masks)
            objects = tuple(tracks[number] for number in who)
            size = _size(objects, place)
            found.append(Segmented(f"{name}-{key}", frames, objects, *size, text, name))
    return TaskSet(found)


def _track(
    masks: dict[str, Any], number: str, num_frames: int, place: str, path: Path
) -> MaskTrack:
    values = masks.get(number)
    if not isinstance(values, list):
        raise ValueError(f"{place} means the object {number}, which {path} lacks")
    return MaskTrack(number, read_masks(values, None, num_frames, f"{path}: {number}"))


def _size(objects: tuple[MaskTrack, ...], where: str) -> tuple[int, int]:
    sizes = {(m.height, m.width) for track in objects for m in track.masks if m is not None}
    if len(sizes) != 1:
        raise ValueError(f"{where} needs objects with masks of one size; it has {len(sizes)} sizes")
    return sizes.pop()


MEVIS = SetFormat(
    title="MeViS",
    task=Segmented,
    needs="train/ and valid_u/, each with meta_expressions.json, mask_dict.json and JPEGImages/",
    train="train",
    test="valid_u",
    splits=("train", "valid_u"),
    files=_files,
    load=_load,
)
