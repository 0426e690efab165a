"""Reads files of other formats: JSON lists, JSONL, and InternVL's lists of such files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    """The files to convert for a path: itself, or those in an InternVL list."""
    listed = _internvl_list(path)
    if listed is None:
        return [SourceFile(path.stem, path, media or path.parent)]
    parts = []
    for name, entry in listed.items():
        annotation = _beside(path, entry["annotation"])
        root = _beside(path, entry.get("root") or str(annotation.parent))
        parts.append(
            SourceFile(name, annotation, media or root, float(entry.get("repeat_time", 1)))
        )
    return parts


def entries(path: Path) -> Iterator[Found]:
    """Yields the entries of a file in order; for an unusable entry, the reason instead."""
    try:
        with path.open(encoding="utf-8") as file:
            if _is_list(path):
                yield from _listed(path, json.load(file))
                return
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}, line {number}", _line(line)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: is not JSON ({error.msg})") from None


def _line(line: str) -> Mapping[str, Any] | str:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        return f"is not JSON ({error.msg.removesuffix(' at')} at column {error.colno})"
    return value if isinstance(value, dict) else "is not a JSON object"


def _listed(path: Path, values: list[Any]) -> Iterator[Found]:
    for number, value in enumerate(values, start=1):
        yield (
            f"{path}, entry {number}",
            value if isinstance(value, dict) else "is not a JSON object",
        )


def _is_list(path: Path) -> bool:
    """Whether the file is one JSON list, not one object per line."""
    with path.open(encoding="utf-8") as file:
        while piece := file.read(4096):
            if piece.strip():
                return piece.lstrip()[0] == "["
    return False


def _internvl_list(path: Path) -> dict[str, Any] | None:
    """{name: {root, annotation, repeat_time, ...}}, or None if the file is not such a list."""
    try:
        if path.suffix != ".json" or _is_list(path):
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return None  # `entries` reports the reason
    if not isinstance(value, dict) or not value:
        return None
    files = [isinstance(entry, dict) and "annotation" in entry for entry in value.values()]
    return value if all(files) else None


def _beside(path: Path, name: str) -> Path:
    """Resolves a path from the file's folder or, if missing there, from the current folder."""
    beside = path.parent / name
    return beside if beside.exists() else Path(name)
