"""Toy sets of time: a film of eight seconds in which shapes appear one after the other.

The classes of localization are four shapes, each with its color. A sentence of grounding names the
shape, its color and its direction, and holds for one window, or for two.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data.complete_file import completed
from data.tasks.toy.films import FPS, KINDS, Film, Mover, any_mover, film, write_film
from data.tasks.toy.sentences import sentence
from data.tasks.toy.split import is_test

SECONDS = 8.0
SHORTEST = 1.25  # seconds that a shape is there
CLASSES = {shape: f"{color.title()}{shape.title()}" for shape, color in KINDS.items()}


def films(num_clips: int, seed: int) -> Iterator[tuple[int, bool, Film]]:
    """Yields the number of a film, whether it is one of the test, and its frames."""
    for number in range(num_clips):
        rng = np.random.default_rng([seed, 4, number])
        movers = [any_mover(rng, *span, kind=True) for span in _spans(rng, 1 + number % 3)]
        if number % 4 == 3 and len(movers) > 1:  # the same thing happens twice
            first, last = movers[0], movers[-1]
            movers[-1] = Mover(*_looks(first), last.start, last.end, last.across)
        yield number, is_test(number), film(rng, SECONDS, movers)


def _looks(mover: Mover) -> tuple[str, str, str]:
    return mover.color, mover.shape, mover.direction


def _spans(rng: np.random.Generator, num: int) -> list[tuple[float, float]]:
    """Times of whole frames that do not touch, in order, in equal parts of the film."""
    part = SECONDS / num
    spans = []
    for i in range(num):
        length = rng.uniform(SHORTEST, 0.8 * part)
        start = rng.uniform(i * part, (i + 1) * part - length)
        spans.append((round(start * FPS) / FPS, round((start + length) * FPS) / FPS))
    return spans


def toy_thumos(folder: Path, num_clips: int, seed: int) -> None:
    """annotation/CLASS_val.txt and CLASS_test.txt, and the videos in validation/ and test/."""
    lines: dict[tuple[str, str], list[str]] = {
        (label, split): [] for label in CLASSES.values() for split in ("val", "test")
    }
    for number, test, shown in films(num_clips, seed):
        split = "test" if test else "validation"
        name = f"video_{split}_{number:07d}"
        write_film(folder / split / f"{name}.mp4", shown)
        for mover in shown.movers:
            key = CLASSES[mover.shape], "test" if test else "val"
            lines[key].append(f"{name}  {mover.start:.3f} {mover.end:.3f}\n")
    for (label, split), found in lines.items():
        _write(folder / "annotation" / f"{label}_{split}.txt", "".join(found))


def toy_activitynet(folder: Path, num_clips: int, seed: int) -> None:
    """activity_net.v1-3.min.json and videos/v_ID.mp4."""
    database = _database(folder, num_clips, seed)
    about = {"version": "VERSION 1.3", "taxonomy": [], "database": database}
    _write(folder / "activity_net.v1-3.min.json", json.dumps(about, indent=1) + "\n")


def toy_hacs(folder: Path, num_clips: int, seed: int) -> None:
    """HACS_segments_v1.1.1.json and videos/v_ID.mp4."""
    about = {"database": _database(folder, num_clips, seed)}
    _write(folder / "HACS_segments_v1.1.1.json", json.dumps(about, indent=1) + "\n")


def toy_fineaction(folder: Path, num_clips: int, seed: int) -> None:
    """annotations_gt.json and videos/v_ID.mp4."""
    about = {"database": _database(folder, num_clips, seed)}
    _write(folder / "annotations_gt.json", json.dumps(about, indent=1) + "\n")


def _database(folder: Path, num_clips: int, seed: int) -> dict[str, Any]:
    database = {}
    for number, test, shown in films(num_clips, seed):
        name = f"toy{number:08d}"
        write_film(folder / "videos" / f"v_{name}.mp4", shown)
        database[name] = {
            "duration": shown.duration,
            "subset": "validation" if test else "training",
            "annotations": [
                {"segment": [mover.start, mover.end], "label": CLASSES[mover.shape]}
                for mover in shown.movers
            ],
        }
    return database


def toy_charades_sta(folder: Path, num_clips: int, seed: int) -> None:
    """charades_sta_train.txt, charades_sta_test.txt, Charades_v1_480/ID.mp4 and the lengths."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    lengths = {split: ["id,length"] for split in lines}
    for number, test, shown in films(num_clips, seed):
        split, name = "test" if test else "train", f"TOY{number:02d}"
        write_film(folder / "Charades_v1_480" / f"{name}.mp4", shown)
        lengths[split].append(f"{name},{shown.duration:.2f}")
        for text, windows in _described(shown):
            start, end = windows[0]
            if len(windows) == 1:  # a line holds one window
                lines[split].append(f"{name} {start:.3f} {end:.3f}##{text}.")
    for split, found in lines.items():
        _write(folder / f"charades_sta_{split}.txt", "\n".join(found) + "\n")
        _write(folder / f"Charades_v1_{split}.csv", "\n".join(lengths[split]) + "\n")


def toy_qvhighlights(folder: Path, num_clips: int, seed: int) -> None:
    """highlight_train_release.jsonl, highlight_val_release.jsonl and videos/ID.mp4."""
    lines: dict[str, list[str]] = {"train": [], "val": []}
    for number, test, shown in films(num_clips, seed):
        name = f"toy{number:08d}_0.0_{shown.duration:.1f}"
        write_film(folder / "videos" / f"{name}.mp4", shown)
        for place, (text, windows) in enumerate(_described(shown)):
            about = {"qid": 10 * number + place, "query": text, "vid": name}
            about |= {"duration": shown.duration, "relevant_windows": windows}
            lines["val" if test else "train"].append(json.dumps(about))
    for split, found in lines.items():
        _write(folder / f"highlight_{split}_release.jsonl", "\n".join(found) + "\n")


def _described(shown: Film) -> list[tuple[str, list[list[float]]]]:
    """Sentences with all of their windows, in order of their first."""
    windows: dict[str, list[list[float]]] = {}
    for mover in shown.movers:
        windows.setdefault(sentence(mover), []).append([mover.start, mover.end])
    return list(windows.items())


def _write(path: Path, text: str) -> None:
    with completed(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
