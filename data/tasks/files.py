"""Reads the files that annotations come in. Every fault is a ValueError that names file and place.

Public sets are never complete: a video that is missing is found out when it is decoded. A name that
leads out of the set's folder is refused at once.
"""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.clips.folders import VIDEOS
from data.json_text import load, parse_line, read_text, refuse_unusable

LONGEST = 10 * 24 * 3600.0  # seconds; no video is longer


def file_text(path: Path) -> str:
    """Returns the text of a file."""
    try:
        return read_text(path)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def json_file(path: Path) -> Any:
    """Returns the content of a JSON file."""
    text = file_text(path)
    try:
        value = load(text)
        refuse_unusable(value)
    except ValueError as error:
        what = str(error).partition(":")[0] if "line" in str(error) else str(error)
        raise ValueError(f"{path} is not JSON that can be read ({what})") from None
    return value


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the place and the object of each line."""
    for where, line in text_lines(path):
        try:
            value = parse_line(line)
        except ValueError as error:
            raise ValueError(f"{where} {error}") from None
        yield where, an_object(value, where)


def text_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the place and the text of each line that is not blank."""
    for number, line in enumerate(file_text(path).splitlines(), 1):
        if line.strip():
            yield f"{path} line {number}", line.strip()


def table(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the place and the cells of each row of a CSV file that has these columns."""
    rows = csv.DictReader(file_text(path).splitlines())
    try:
        if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
            raise ValueError(
                f"{path} has no column {missing[0]!r}; needed are {', '.join(columns)}"
            )
        for row in rows:
            where = f"{path} line {rows.line_num}"
            if any(row[name] is None for name in columns):
                raise ValueError(f"{where} has too few cells; needed are {', '.join(columns)}")
            yield where, row
    except csv.Error as error:
        raise ValueError(f"{path} line {rows.line_num} is not CSV ({error})") from None


def an_object(value: Any, where: str) -> dict[str, Any]:
    """Returns a JSON object."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object, {{...}}")
    return value


def member(value: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """Returns the value of a key, which must be of a kind."""
    found = an_object(value, where).get(key)
    if not isinstance(found, kind) or isinstance(found, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = {str: "text", list: "a list", dict: "an object", int: "a whole number"}
        needed = " or ".join(names.get(one, "a number") for one in kinds)
        raise ValueError(f'{where} needs "{key}", {needed}')
    return found


def seconds(value: Any, where: str) -> float:
    """Returns a time of JSON or text."""
    try:
        time = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        time = math.nan
    if not 0 <= time <= LONGEST:
        raise ValueError(f"{where} has the time {str(value)[:40]!r}, which is not in seconds")
    return time


def span(value: Any, where: str, duration: float | None = None) -> tuple[float, float] | None:
    """Start and end, cut off at the video's end; None if nothing is left, as in a few real files.

    A time just below zero, which rounding leaves, is zero.
    """
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{where} has a segment that is not [start, end]")
    start, end = (seconds(_not_just_below(time), where) for time in value)
    if duration is not None:
        end = min(end, duration)
    return (start, end) if end > start else None


def _not_just_below(value: Any) -> Any:
    below = isinstance(value, int | float) and -1.0 < value < 0
    return 0.0 if below else value


def inside(folder: Path, name: str, where: str) -> Path:
    """Returns the path of a name below a folder; refuses one that leads out of it."""
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise ValueError(f"{where} names the file {name[:60]!r}, which is not inside of {folder}")
    return folder / name


def first_of(folder: Path, *names: str) -> Path:
    """Returns the first of these files that exists, else the first name."""
    found = (folder / name for name in names)
    return next((path for path in found if path.is_file()), folder / names[0])


class VideoIndex:
    """The videos anywhere below a folder, by name without suffix; links are followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}
        seen: set[str] = set()
        for parent, folders, files in os.walk(folder, followlinks=True):
            real = os.path.realpath(parent)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders.sort()
            for file in sorted(files):
                stem, suffix = os.path.splitext(file)
                if suffix.lower() in VIDEOS:
                    self._paths.setdefault(stem, Path(parent, file))

    def find(self, where: str, *stems: str) -> Path:
        """The first of these that exists, else the place where the first one is expected."""
        for stem in stems:
            if stem in self._paths:
                return self._paths[stem]
        return inside(self.folder / "videos", f"{stems[0]}.mp4", where)
