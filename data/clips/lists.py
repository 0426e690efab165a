"""Lists of labeled clips, in the forms that public data sets come in.

    clips.jsonl   {"video": "a/1.mp4", "label": "waving"}              one clip a line
    clips.csv     a/1.mp4 waving   or   a/1.mp4,3                      file and class or its number
    train.csv     label,youtube_id,time_start,time_end,split           Kinetics' own lists
    train.json    [{"id": "78687", "template": "Holding [something]"}] Something-Something v2

Paths are relative to a root. Numbers of classes are those of a file of class names: one name a
line, or Something-Something's labels.json; without it the classes are the labels found, sorted.
A file that is missing is found out when it is read, since parts of public sets are always gone.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.clips.folders import PICTURES, VIDEOS, LabeledClip
from data.json_text import load, read_text

KINETICS = "youtube_id"  # a column of its lists
SUFFIXES = (".mp4", ".webm", ".mkv", ".avi")


@dataclass(frozen=True)
class Line:
    """A clip of a list before its class has a number."""

    path: Path
    label: str
    where: str


def read_lists(
    lists: Sequence[Path], root: Path | None = None, names: Path | None = None
) -> tuple[list[list[LabeledClip]], list[str]]:
    """Returns the clips of each list, and the class names that all share.

    `root` is where the clips are; by default, where their list is. Raises ValueError that names
    the file and the line.
    """
    lines = [list(read_lines(path, root or path.parent)) for path in lists]
    labels = [line.label for of_list in lines for line in of_list]
    classes = read_names(names) if names is not None else _sorted(set(labels))
    if len(classes) < 2:
        raise ValueError(f"{lists[0]} needs clips of at least two classes; found {len(classes)}")
    index = {name: number for number, name in enumerate(classes)}
    return [[_labeled(line, index, names) for line in of_list] for of_list in lines], classes


def _labeled(line: Line, index: dict[str, int], names: Path | None) -> LabeledClip:
    label = index.get(line.label)
    if label is None and names is not None and line.label.isdigit():
        label = int(line.label) if int(line.label) < len(index) else None
    if label is None:
        raise ValueError(f"{line.where}: {names} has no class {line.label!r}")
    return LabeledClip(line.path, label, line.where)


def _sorted(labels: set[str]) -> list[str]:
    return sorted(labels, key=int) if all(x.isdigit() for x in labels) else sorted(labels)


def read_names(path: Path) -> list[str]:
    """Class names in the order of their numbers. Raises ValueError for another form."""
    text = _text(path)
    if path.suffix != ".json":
        return [line.strip() for line in text.splitlines() if line.strip()]
    numbers = _json(text, str(path))
    if not isinstance(numbers, dict):
        raise ValueError(f'{path} must be an object of class names and numbers, {{"a": "0"}}')
    return sorted(numbers, key=lambda name: int(numbers[name]))


def read_lines(path: Path, root: Path) -> Iterator[Line]:
    """Yields the clips of one list. Raises ValueError that names the file and the line."""
    text = _text(path)
    if path.suffix == ".jsonl":
        yield from _jsonl(path, root, text)
    elif path.suffix == ".json":
        yield from _something(path, root, text)
    elif KINETICS in text.partition("\n")[0]:
        yield from _kinetics(path, root, text)
    else:
        yield from _pairs(path, root, text)


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _jsonl(path: Path, root: Path, text: str) -> Iterator[Line]:
    for number, one in enumerate(text.splitlines(), 1):
        if not one.strip():
            continue
        where = f"{path} line {number}"
        entry = _json(one, where)
        file = entry.get("video", entry.get("image")) if isinstance(entry, dict) else None
        if not isinstance(file, str) or not isinstance(entry.get("label"), str | int):
            raise ValueError(f'{where} must be {{"video": "FILE", "label": "CLASS"}}')
        yield Line(root / file, str(entry["label"]), where)


def _something(path: Path, root: Path, text: str) -> Iterator[Line]:
    entries = _json(text, str(path))
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        where = f"{path} entry {number}"
        if not isinstance(entry, dict) or "id" not in entry or "template" not in entry:
            raise ValueError(f'{where} must have "id" and "template"')
        label = str(entry["template"]).replace("[", "").replace("]", "")
        yield Line(_existing(root, str(entry["id"]), ".webm"), label, where)


def _kinetics(path: Path, root: Path, text: str) -> Iterator[Line]:
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        where = f"{path} line {number}"
        try:
            start, end = int(float(row["time_start"])), int(float(row["time_end"]))
            name, label = f"{row[KINETICS]}_{start:06d}_{end:06d}", row["label"]
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{where} must have label, youtube_id, time_start, time_end") from None
        folder = root / label if (root / label).is_dir() else root
        yield Line(_existing(folder, name, ".mp4"), label, where)


def _pairs(path: Path, root: Path, text: str) -> Iterator[Line]:
    for number, one in enumerate(text.splitlines(), 1):
        if not one.strip():
            continue
        where = f"{path} line {number}"
        file, found, label = _split(one.strip())
        if not found or not file or not label.strip():
            raise ValueError(f"{where} must be FILE CLASS or FILE,CLASS, not {one.strip()[:60]!r}")
        yield Line(root / file.strip(), label.strip(), where)


def _split(line: str) -> tuple[str, str, str]:
    """FILE, separator, CLASS; the file ends with its suffix, so both may have spaces."""
    for separator in (",", "\t", " "):
        at = 0
        while (at := line.find(separator, at) + 1) > 0:
            if Path(line[: at - 1]).suffix.lower() in VIDEOS | PICTURES:
                return line[: at - 1], separator, line[at:]
    return line, "", ""


def _existing(folder: Path, name: str, usual: str) -> Path:
    """Returns the file of this name with the suffix it has; the usual one if it is missing."""
    found = (folder / f"{name}{suffix}" for suffix in (usual, *SUFFIXES))
    return next((path for path in found if path.is_file()), folder / f"{name}{usual}")


def _json(text: str, where: str) -> Any:
    try:
        return load(text)
    except ValueError:
        raise ValueError(f"{where} is not JSON") from None
