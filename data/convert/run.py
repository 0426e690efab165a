"""Converts whole files; lists the entries that could not be converted with the reason."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.convert.formats import FORMATS, LEFT_OUT, detect
from data.convert.media_names import CannotConvertError
from data.convert.media_paths import MediaPaths
from data.convert.parts import place_media, without_opening
from data.convert.read import SourceFile, entries, files_of
from data.json_text import printable
from data.records import RecordError, record_from_json, write_records
from data.samples.learnable import NO_ANSWER, has_answer_to_learn

NUM_DETECT = 100  # first entries, used to detect the format


@dataclass
class Converted:
    """The result for one file."""

    path: Path
    format: str
    repeat: float
    num_records: int = 0
    num_opened: int = 0  # conversations whose turns before the first question are dropped
    left_out: list[tuple[str, str]] = field(default_factory=list)  # where, why


def convert(
    source: Path, out: Path, format: str = "", media: Path | None = None, copy: bool = False
) -> list[Converted]:
    """Writes the records of every file in `source`; returns one result per file.

    Raises ValueError if nothing can be read, the format is unclear, or `out` does not fit.
    """
    files = files_of(source, media)
    into_folder = len(files) > 1 or out.is_dir()
    if len(files) > 1 and out.suffix == ".jsonl":
        raise ValueError(
            f"{source} lists {len(files)} files: give an output folder instead of {out}"
        )
    return [
        _convert(file, out / f"{file.name}.jsonl" if into_folder else out, format, copy)
        for file in files
    ]


def _convert(file: SourceFile, out: Path, format: str, copy: bool) -> Converted:
    if out.exists() and out.samefile(file.path):
        raise ValueError(f"{out} is the input file itself; give another output file")
    result = Converted(out, format or format_of(file.path), file.repeat)
    media_paths = MediaPaths(file.media, out.parent, copy)
    result.num_records = write_records(out, _records(file, result, media_paths))
    listed = out.with_name(out.stem + LEFT_OUT)
    listed.unlink(missing_ok=True)
    if result.left_out:
        write_records(listed, ({"where": where, "why": why} for where, why in result.left_out))
    return result


def format_of(path: Path) -> str:
    """Detects the format of a file from its first entries."""
    first = [entry for _, entry in islice(entries(path), NUM_DETECT) if not isinstance(entry, str)]
    if not first:
        raise ValueError(f"{path}: contains no conversation")
    try:
        return detect(first)
    except ValueError as error:
        known = ", ".join(FORMATS)
        raise ValueError(f"{path}: {error}; set the format with --from ({known})") from None


def _records(
    file: SourceFile, result: Converted, media_paths: MediaPaths
) -> Iterator[dict[str, Any]]:
    dialogue_of = FORMATS[result.format]
    bar = tqdm(entries(file.path), file.name, unit="conversation", delay=1)
    for number, (where, entry) in enumerate(bar, start=1):
        if isinstance(entry, str):
            result.left_out.append((printable(where), entry))
            continue
        try:
            name = entry.get("id")
            name = f"{file.name}-{number:07d}" if name in (None, "") else str(name)
            dialogue, num_opening = without_opening(dialogue_of(entry))
            record = {"id": name, "messages": place_media(dialogue, media_paths)}
            parsed = record_from_json(json.dumps(record), media_paths.folder, where)
            if not has_answer_to_learn(parsed):
                raise CannotConvertError(NO_ANSWER.removesuffix("."))
        except CannotConvertError as error:
            result.left_out.append((printable(where), printable(str(error))))
        except RecordError as error:
            why = str(error).removeprefix(f"{where}: ").removesuffix(".")
            result.left_out.append((printable(where), printable(why)))
        else:
            result.num_opened += num_opening > 0
            yield record
