"""Annotation files as they are published: parquet, JSON, JSON lines and tab-separated tables.

Whatever is wrong with one is a ValueError with a sentence that names the file. Pictures in parquet
are not read here: a row holds a `Cell` that says where its picture lies.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.stored import Cell
from evaluation.json_files import read_json

PICTURE_NAME = "image.path"  # in a row: the file name a picture had before it was packed


def parquet_files(folder: Path, config: str, split: str) -> list[Path]:
    """The files of one split in the hub's layout: under the config's name, "data", or bare."""
    for place in (folder / config, folder / "data", folder):
        found = sorted(place.glob(f"{split}-*.parquet"))
        if found:
            return found
    return []


def read_parquet(
    files: Sequence[Path], columns: Sequence[str], optional: Sequence[str] = (), picture: str = ""
) -> Iterator[dict[str, Any]]:
    """The rows, with a `Cell` under the name of the picture column. Missing optionals are None."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError(
            'parquet files are read with pyarrow; install it with: pip install -e ".[evaluation]"'
        ) from error

    for path in files:
        try:
            file = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{path} is not a whole parquet file ({error}).") from error
        there = set(file.schema_arrow.names)
        wanted = [*columns, *([picture] if picture else [])]
        missing = [name for name in wanted if name not in there]
        if missing:
            raise ValueError(
                f"{path} has no column {', '.join(map(repr, missing))}; it has"
                f" {', '.join(sorted(there))}. This may be another revision of the data set."
            )
        read = [*columns, *(name for name in optional if name in there)]
        named = picture and "path" in _fields(file.schema_arrow.field(picture).type)
        nothing = dict.fromkeys(optional)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=read).to_pylist()
            names: list[str | None] = [None] * len(rows)
            if named:
                taken = file.read_row_group(group, columns=[f"{picture}.path"]).to_pylist()
                names = [(row[picture] or {}).get("path") for row in taken]
            for place, (row, name) in enumerate(zip(rows, names, strict=True)):
                cell = {picture: Cell(path, picture, group, place)} if picture else {}
                yield {**nothing, **row, **cell, PICTURE_NAME: name}


def _fields(kind: Any) -> list[str]:
    return [kind.field(i).name for i in range(kind.num_fields)]


def read_list(path: Path, keys: Sequence[str], under: str = "") -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, or of the list under a key, each with the `keys`."""
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


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str | None]]:
    """The rows of a tab-separated table; empty fields are None."""
    csv.field_size_limit(sys.maxsize)  # pictures are fields here
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t")
        missing = [name for name in columns if name not in (table.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {', '.join(map(repr, missing))}.")
        for row in table:
            yield {name: value or None for name, value in row.items()}


def text(row: dict[str, Any], key: str) -> str:
    """A field that must be text; numbers are taken for text as well."""
    value = row[key]
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"a question has {value!r} as its {key!r}.")
    return str(value)


def letter_of(answer: Any, options: Sequence[str], where: str) -> tuple[str, ...]:
    """The letter of an answer that is given as the text of an option; of None there is none."""
    if answer is None:
        return ()
    if str(answer) not in options:
        raise ValueError(f"{where}: the answer {answer!r} is none of the options.")
    return ("ABCDEFGHIJ"[list(options).index(str(answer))],)
