"""JSON files, replaced at once when written and read with one-sentence errors."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """Returns the contents of a JSON file. Raises ValueError if it cannot be read or parsed."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error}).") from error


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON in the given key order: equal values give equal bytes."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    replace_file(path, [text.encode()])


def replace_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Replaces a file atomically: readers see the old contents or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
