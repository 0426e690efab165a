"""Reads files of other formats: JSON lists, JSONL, and InternVL's lists of such files."""

import codecs
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.json_text import (
    decode,
    is_blank_line,
    load,
    parse_line,
    printable,
    read_text,
    refuse_unusable,
    refuse_wide,
)


@dataclass(frozen=True)
class SourceFile:
    """One file of conversations, the folder of its media, and its repeat count."""

    name: str
    path: Path
    media: Path
    repeat: float = 1.0


Found = tuple[
    str, Mapping[str, Any] | str
]  # its location, and the entry or the reason why it is unusable


def files_of(path: Path, media: Path | None = None) -> list[SourceFile]:
    """Returns the files to convert for a path: itself, or those in an InternVL list."""
    listed = _internvl_list(path)
    if listed is None:
        return [SourceFile(printable(path.stem), path, media or path.parent)]
    parts = []
    for name, entry in listed.items():
        if name in ("", ".", "..") or name != Path(name.replace("\\", "/")).name:
            raise ValueError(f"{path}: {name!r:.60} cannot name an output file")
        annotation = _beside(path, _text(path, name, entry, "annotation"))
        root = annotation.parent
        if entry.get("root"):
            root = _beside(path, _text(path, name, entry, "root"))
        parts.append(SourceFile(name, annotation, media or root, _repeat(path, name, entry)))
    return parts


def entries(path: Path) -> Iterator[Found]:
    """Yields the entries of a file in order; for an unusable entry, the reason instead."""
    if _is_list(path):
        yield from _listed(path)
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not is_blank_line(line):
                yield f"{path}, line {number}", _line(line)


def _line(line: bytes) -> Mapping[str, Any] | str:
    try:
        value = parse_line(decode(line))
    except ValueError as error:
        return str(error)
    return value if isinstance(value, dict) else "is not a JSON object"


def _listed(path: Path) -> Iterator[Found]:
    for number, value in enumerate(_whole(path), start=1):
        yield f"{path}, entry {number}", _entry(value)


def _entry(value: Any) -> Mapping[str, Any] | str:
    try:
        refuse_unusable(value)
    except ValueError as error:
        return str(error)
    return value if isinstance(value, dict) else "is not a JSON object"


def _whole(path: Path) -> Any:
    """Parses a file that is one JSON value."""
    try:
        return load(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: is not JSON ({error.msg})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _is_list(path: Path) -> bool:
    """Returns whether the file is one JSON list, not one object per line.

    Raises ValueError if missing.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
            refuse_wide(head)
            head = head.removeprefix(codecs.BOM_UTF8)
            while not head.strip() and (piece := file.read(4096)):
                head = piece
            return head.lstrip()[:1] == b"["
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _internvl_list(path: Path) -> dict[str, Any] | None:
    """{name: {root, annotation, repeat_time, ...}}, or None if the file is not such a list."""
    try:
        value = None if path.suffix != ".json" or _is_list(path) else _whole(path)
    except ValueError:
        return None  # `entries` reports the reason
    if not isinstance(value, dict) or not value:
        return None
    files = [isinstance(entry, dict) and "annotation" in entry for entry in value.values()]
    return value if all(files) else None


def _text(path: Path, name: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f'{path}: "{key}" of {name} is {value!r:.60}, which is not a path')
    return value


def _repeat(path: Path, name: str, entry: Mapping[str, Any]) -> float:
    value = entry.get("repeat_time", 1)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(
            f'{path}: "repeat_time" of {name} is {value!r:.60}; it must be a number from 0 to 1e9'
        )
    return float(value)


def _beside(path: Path, name: str) -> Path:
    """Resolves a path from the file's folder or, if missing there, from the current folder."""
    beside = path.parent / name
    return beside if beside.exists() else Path(name)
