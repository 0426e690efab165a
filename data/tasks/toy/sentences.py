"""Toy sets of retrieval: which shape, of which color, moves in which direction?

The captions of a split differ from each other as long as there are combinations left.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.complete_file import completed
from data.synthetic.drawing.shapes import SHAPES
from data.synthetic.language.words import an
from data.tasks.toy.films import BRIGHT, DIRECTIONS, Film, Mover, film, write_film
from data.tasks.toy.split import is_test

SECONDS = 2.0
PHRASES = {"down": "moves down", "left": "moves to the left"} | {
    "right": "moves to the right",
    "up": "moves up",
}
PIECE = 5  # seconds: DiDeMo's unit of time


def captioned(num_clips: int, seed: int) -> Iterator[tuple[int, bool, Mover, Film]]:
    """Yields the number of a clip, whether it is one of the test, its shape and its frames."""
    looks = list(itertools.product(BRIGHT, SHAPES, DIRECTIONS))
    order = np.random.default_rng([seed, 1]).permutation(len(looks))
    for number in range(num_clips):
        rng = np.random.default_rng([seed, 2, number])
        color, shape, way = looks[order[number % len(looks)]]
        mover = Mover(color, shape, way, 0.0, SECONDS, float(rng.random()))
        yield number, is_test(number), mover, film(rng, SECONDS, [mover])


def sentence(mover: Mover, form: int = 0) -> str:
    """Describes what a shape does, in one of several forms."""
    phrase = PHRASES[mover.direction]
    forms = ("{0} {1}", "there is {0} that {1}", "we see how {0} {1}")
    return forms[form % len(forms)].format(an(mover.name), phrase)


def toy_msrvtt(folder: Path, num_clips: int, seed: int) -> None:
    """MSRVTT_data.json, MSRVTT_train.9k.csv, MSRVTT_JSFUSION_test.csv and videos/all/ID.mp4."""
    videos, sentences = [], []
    train = ["video_id"]
    test = ["key,vid_key,video_id,sentence"]
    for number, of_test, mover, shown in captioned(num_clips, seed):
        name = f"video{number}"
        write_film(folder / "videos" / "all" / f"{name}.mp4", shown)
        split = "test" if of_test else "train"
        videos.append(
            {"video_id": name, "split": split, "category": 0, "id": number}
            | {"url": "", "start time": 0.0, "end time": SECONDS}
        )
        sentences += [
            {"caption": sentence(mover, form), "video_id": name, "sen_id": 3 * number + form}
            for form in range(3)
        ]
        if of_test:
            test.append(f"ret{len(test) - 1},msr{number},{name},{sentence(mover)}")
        else:
            train.append(name)
    about = {"info": {}, "videos": videos, "sentences": sentences}
    _write(folder / "MSRVTT_data.json", json.dumps(about, indent=1) + "\n")
    _write(folder / "MSRVTT_train.9k.csv", "\n".join(train) + "\n")
    _write(folder / "MSRVTT_JSFUSION_test.csv", "\n".join(test) + "\n")


def toy_didemo(folder: Path, num_clips: int, seed: int) -> None:
    """train_data.json, test_data.json and videos/ID.mp4: ten seconds, two sentences each."""
    entries: dict[str, list[dict[str, object]]] = {"train": [], "test": []}
    moments = list(captioned(2 * num_clips, seed))
    for number in range(num_clips):
        rng = np.random.default_rng([seed, 3, number])
        movers = [
            Mover(m.color, m.shape, m.direction, PIECE * i, PIECE * (i + 1), m.across)
            for i, (_, _, m, _) in enumerate(moments[2 * number : 2 * number + 2])
        ]
        name = f"toy{number:04d}.mp4"
        write_film(folder / "videos" / name, film(rng, 2.0 * PIECE, movers))
        entries["test" if is_test(number) else "train"] += [
            {"annotation_id": 2 * number + i, "video": name, "description": sentence(mover)}
            | {"times": [[i, i]] * 4, "num_segments": 2, "reference_description": "NULL"}
            for i, mover in enumerate(movers)
        ]
    for split, found in entries.items():
        _write(folder / f"{split}_data.json", json.dumps(found, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    with completed(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
