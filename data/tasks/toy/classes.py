"""Toy sets of recognition: in which direction does the shape move?

Every direction has as many clips, and every clip shows one shape of any color. The first frame
shows no direction, so an encoder has to look at the order of the frames.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.complete_file import completed
from data.tasks.toy.films import DIRECTIONS, Film, Mover, any_mover, film, write_film
from data.tasks.toy.split import is_test

SECONDS = 2.0


def clips(num_clips: int, seed: int) -> Iterator[tuple[int, bool, Mover, Film]]:
    """Yields the number of a clip, whether it is one of the test, its shape and its frames."""
    for number in range(num_clips):
        rng = np.random.default_rng([seed, number])
        mover = any_mover(rng, 0.0, SECONDS)
        direction = list(DIRECTIONS)[number % len(DIRECTIONS)]
        mover = Mover(mover.color, mover.shape, direction, 0.0, SECONDS, mover.across)
        yield number, is_test(number // len(DIRECTIONS)), mover, film(rng, SECONDS, [mover])


def toy_kinetics(folder: Path, num_clips: int, seed: int) -> None:
    """train.csv and val.csv, train/CLASS/ID_START_END.mp4 and val/CLASS/..."""
    lines = {split: ["label,youtube_id,time_start,time_end,split"] for split in ("train", "val")}
    for number, test, mover, shown in clips(num_clips, seed):
        label, split, name = (
            f"moving {mover.direction}",
            "val" if test else "train",
            f"toy{number:08d}",
        )
        lines[split].append(f"{label},{name},{number},{number + 10},{split}")
        file = f"{name}_{number:06d}_{number + 10:06d}.mp4"
        write_film(folder / split / label / file, shown)
    for split, rows in lines.items():
        _write(folder / f"{split}.csv", "\n".join(rows) + "\n")


def toy_ssv2(folder: Path, num_clips: int, seed: int) -> None:
    """labels/train.json, labels/validation.json, labels/labels.json and videos/ID.webm."""
    entries: dict[str, list[dict[str, object]]] = {"train": [], "validation": []}
    for number, test, mover, shown in clips(num_clips, seed):
        template = f"Moving [something] {mover.direction}"
        entries["validation" if test else "train"].append(
            {"id": str(number + 1), "label": template.replace("[something]", f"a {mover.name}")}
            | {"template": template, "placeholders": [f"a {mover.name}"]}
        )
        write_film(folder / "videos" / f"{number + 1}.webm", shown)
    numbers = {f"Moving something {way}": str(i) for i, way in enumerate(DIRECTIONS)}
    for name, content in {**entries, "labels": numbers}.items():
        _write(folder / "labels" / f"{name}.json", json.dumps(content, indent=1) + "\n")


def toy_ucf101(folder: Path, num_clips: int, seed: int) -> None:
    """ucfTrainTestlist/ and UCF-101/CLASS/v_CLASS_gNN_cMM.avi; a group is on one side."""
    names = {way: f"Move{way.title()}" for way in DIRECTIONS}
    lists: dict[str, list[str]] = {"trainlist01": [], "testlist01": []}
    for number, test, mover, shown in clips(num_clips, seed):
        kind, turn = names[mover.direction], number // len(DIRECTIONS)
        file = f"{kind}/v_{kind}_g{turn + 1:02d}_c01.avi"
        write_film(folder / "UCF-101" / file, shown)
        place = list(names).index(mover.direction) + 1
        lists["testlist01" if test else "trainlist01"].append(file if test else f"{file} {place}")
    lists["classInd"] = [f"{i} {name}" for i, name in enumerate(names.values(), 1)]
    for name, lines in lists.items():
        _write(folder / "ucfTrainTestlist" / f"{name}.txt", "\n".join(lines) + "\n")


def toy_hmdb51(folder: Path, num_clips: int, seed: int) -> None:
    """testTrainMulti_7030_splits/CLASS_test_split1.txt and hmdb51/CLASS/FILE.avi."""
    lists: dict[str, list[str]] = {}
    for number, test, mover, shown in clips(num_clips, seed):
        kind = f"move_{mover.direction}"
        file = f"toy_{kind}_{number}.avi"
        write_film(folder / "hmdb51" / kind / file, shown)
        lists.setdefault(kind, []).append(f"{file} {2 if test else 1} ")
    for kind, lines in lists.items():
        path = folder / "testTrainMulti_7030_splits" / f"{kind}_test_split1.txt"
        _write(path, "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    with completed(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
