"""Reads published annotation files: parquet, JSON, JSON lines and tab-separated tables.

Every fault is a ValueError that names the file. Images in parquet are not read here: a row holds a
`Cell` with the location of its image.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.packed_media import Cell
from evaluation.json_files import read_json

PICTURE_NAME = "image.path"  # key of an image's original file name in a row


def parquet_files(folder: Path, config: str, split: str) -> list[Path]:
    """Returns a split's files in the hub's layout: below the config's name, "data", or directly."""
    for parent in (folder / config, folder / "data", folder):
        found = sorted(parent.glob(f"{split}-*.parquet"))
        if found:
            return found
    return []


def read_parquet(
    files: Sequence[Path], columns: Sequence[str], optional: Sequence[str] = (), picture: str = ""
) -> Iterator[dict[str, Any]]:
    """Yields rows with a `Cell` in the image column. Missing optional columns are None."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError(
            'reading parquet files needs pyarrow; install it with: pip install -e ".[evaluation]"'
        ) from error

    for path in files:
        try:
            file = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{path} is not a complete parquet file ({error}).") from error
        present = set(file.schema_arrow.names)
        required = [*columns, *([picture] if picture else [])]
        missing = [name for name in required if name not in present]
        if missing:
            raise ValueError(
                f"{path} has no column {', '.join(map(repr, missing))}; it has"
                f" {', '.join(sorted(present))}. This may be another revision of the data set."
            )
        read = [*columns, *(name for name in optional if name in present)]
        named = picture and "path" in _fields(file.schema_arrow.field(picture).type)
        nothing = dict.fromkeys(optional)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=read).to_pylist()
            names: list[str | None] = [None] * len(rows)
            if named:
                taken = file.read_row_group(group, columns=[f"{picture}.path"]).to_pylist()
                names = [(row[picture] or {}).get("path") for row in taken]
            for number, (row, name) in enumerate(zip(rows, names, strict=True)):
                cell = {picture: Cell(path, picture, group, number)} if picture else {}
                yield {**nothing, **row, **cell, PICTURE_NAME: name}


def _fields(kind: Any) -> list[str]:
    return [kind.field(i).name for i in range(kind.num_fields)]


def read_list(path: Path, keys: Sequence[str], under: str = "") -> Iterator[dict[str, Any]]:
    """Yields the objects of a JSON list, or of the list at key `under`; each must have `keys`."""
    found = read_json(path)
    if under and isinstance(found, dict):
        found = found.get(under)
    if not isinstance(found, list):
        raise ValueError(f"{path} holds no list of questions.")
    for number, row in enumerate(found, 1):
        missing = [key for key in keys if not isinstance(row, dict) or key not in row]
        if missing:
            raise ValueError(f"{path}: entry {number} has no {', '.join(map(repr, missing))}.")
        yield row


def read_lines(path: Path, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yields the objects of a file with one JSON object per line; each must have `keys`."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(
                    f"{path}, line {number} is not a JSON object ({error})."
                ) from error
            missing = [key for key in keys if not isinstance(row, dict) or key not in row]
            if missing:
                raise ValueError(f"{path}, line {number} has no {', '.join(map(repr, missing))}.")
            yield row


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str | None]]:
    """Yields the rows of a tab-separated table; empty fields are None."""
    csv.field_size_limit(sys.maxsize)  # fields hold base64 images
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t")
        missing = [name for name in columns if name not in (table.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(map(repr, missing))}.")
        for row in table:
            yield {name: value or None for name, value in row.items()}


def text(row: dict[str, Any], key: str) -> str:
    """Returns a required field as text. Raises ValueError if it is neither text nor a number."""
    value = row[key]
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"a question has {value!r} as its {key!r}, which must be text.")
    return str(value)


def letter_of(answer: Any, options: Sequence[str], where: str) -> tuple[str, ...]:
    """Returns the letter of the option that equals the answer; an empty tuple for None."""
    if answer is None:
        return ()
    if str(answer) not in options:
        raise ValueError(f"{where}: the answer {answer!r} is none of the options.")
    return ("ABCDEFGHIJ"[list(options).index(str(answer))],)
