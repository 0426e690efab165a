"""Toy sets of masks: two or three shapes cross a picture, and hide each other where they meet.

The categories of YouTube-VIS are four shapes, each with its color. An expression of MeViS names
color, shape and direction, and means one shape, or all that move alike.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.complete_file import completed
from data.tasks.masks import as_json, pack
from data.tasks.toy.films import DIRECTIONS, KINDS, SIZE, Film, Mover, film, write_frames
from data.tasks.toy.sentences import PHRASES
from data.tasks.toy.split import is_test

SECONDS = 1.0


def films(num_clips: int, seed: int) -> Iterator[tuple[int, bool, Film]]:
    """Yields the number of a film, whether it is one of the test, and its frames."""
    for number in range(num_clips):
        rng = np.random.default_rng([seed, 5, number])
        shapes = rng.choice(list(KINDS), 2 + number % 2, replace=False)
        movers = []
        for place, shape in enumerate(shapes):
            # The last of three comes late, so that its first masks are missing.
            start = SECONDS / 2 if place == 2 else 0.0
            way = str(rng.choice(list(DIRECTIONS)))
            across = (place + float(rng.random())) / len(shapes)
            movers.append(Mover(KINDS[shape], str(shape), way, start, SECONDS, across))
        yield number, is_test(number), film(rng, SECONDS, movers)


def toy_ytvis(folder: Path, num_clips: int, seed: int) -> None:
    """train.json, valid.json, train/JPEGImages/ID/00000.jpg and valid/JPEGImages/..."""
    sets: dict[str, dict[str, Any]] = {}
    for split in ("train", "valid"):
        categories = [{"id": i, "name": shape} for i, shape in enumerate(KINDS, 1)]
        sets[split] = {"info": {}, "videos": [], "categories": categories, "annotations": []}
    for number, test, shown in films(num_clips, seed):
        split, name = "valid" if test else "train", f"toy{number:06d}"
        files = write_frames(folder / split / "JPEGImages" / name, shown)
        found = sets[split]
        video = {"id": number + 1, "width": SIZE, "height": SIZE, "length": len(files)}
        found["videos"].append(video | {"file_names": [f"{name}/{file}" for file in files]})
        for mover, masks in zip(shown.movers, shown.masks, strict=True):
            found["annotations"].append(
                {
                    "id": len(found["annotations"]) + 1,
                    "video_id": number + 1,
                    "category_id": list(KINDS).index(mover.shape) + 1,
                    "iscrowd": 0,
                    "segmentations": [_runs(mask) for mask in masks],
                    "areas": [int(mask.sum()) or None for mask in masks],
                }
            )
    for split, about in sets.items():
        _write(folder / f"{split}.json", about)


def toy_mevis(folder: Path, num_clips: int, seed: int) -> None:
    """meta_expressions.json, mask_dict.json and JPEGImages/ in train/ and valid_u/."""
    videos: dict[str, dict[str, Any]] = {"train": {}, "valid_u": {}}
    masks: dict[str, dict[str, Any]] = {"train": {}, "valid_u": {}}
    for number, test, shown in films(num_clips, seed):
        split, name = "valid_u" if test else "train", f"toy{number:06d}"
        files = write_frames(folder / split / "JPEGImages" / name, shown)
        first = len(masks[split])
        for of_mover in shown.masks:
            tracks = [as_json(pack(mask)) if mask.any() else None for mask in of_mover]
            masks[split][str(len(masks[split]))] = tracks
        expressions = {
            str(i): {"exp": text, "obj_id": who, "anno_id": [first + one for one in who]}
            for i, (text, who) in enumerate(_expressions(shown).items())
        }
        frames = [Path(file).stem for file in files]
        about = {"vid_id": number, "expressions": expressions, "frames": frames}
        videos[split][name] = about
    for split in videos:
        _write(folder / split / "meta_expressions.json", {"videos": videos[split]})
        _write(folder / split / "mask_dict.json", masks[split])


def _expressions(shown: Film) -> dict[str, list[int]]:
    """Sentences and the movers that each means."""
    found = {
        f"the {mover.name} that {PHRASES[mover.direction]}": [i]
        for i, mover in enumerate(shown.movers)
    }
    for way in DIRECTIONS:
        who = [i for i, mover in enumerate(shown.movers) if mover.direction == way]
        if len(who) > 1:
            found[f"all shapes that {PHRASES[way].replace('moves', 'move')}"] = who
    return found


def _runs(mask: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Returns a mask as a list of runs, column by column, as YouTube-VIS's files have it."""
    if not mask.any():
        return None
    flat = mask.flatten(order="F").astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
    bounds = [0, *edges, flat.size]
    counts = [end - start for start, end in zip(bounds, bounds[1:], strict=False)]
    return {"size": list(mask.shape), "counts": counts}


def _write(path: Path, content: Any) -> None:
    with completed(path) as unfinished:
        unfinished.write_text(json.dumps(content) + "\n", encoding="utf-8")
