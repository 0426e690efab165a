"""Packs records and media into tar files for data/sources/shards.py: `python -m data shards`."""

import io
import json
import tarfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from data.records import Record, RecordText, SimulatedClassification, record_to_json


def write_shards(records: Iterable[Record], folder: Path, name: str, per_shard: int) -> list[Path]:
    """Writes name-000000.tar, ... into a folder and returns the paths.

    Each file appears when it is complete. Raises OSError if the media of a record cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.tar.part"
    done: list[Path] = []
    waiting = iter(records)
    try:
        while chunk := list(islice(waiting, per_shard)):
            with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
                for number, record in enumerate(chunk, start=len(done) * per_shard):
                    _add(tar, f"{number:09d}", record)
            done.append(unfinished.replace(folder / f"{name}-{len(done):06d}.tar"))
    finally:
        unfinished.unlink(missing_ok=True)
    return done


def _add(tar: tarfile.TarFile, key: str, record: Record) -> None:
    """Adds a record before its media, so that a reader knows it before skipping the media."""
    line = _renamed(record, key)
    content = json.dumps(line, ensure_ascii=False).encode()
    _add_bytes(tar, f"{key}.json", content)
    for number, media in enumerate(record.media):
        _add_bytes(tar, f"{key}.{number}{media.path.suffix.lower()}", media.path.read_bytes())


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)  # no owner and time: equal records give equal bytes
    info.size = len(content)
    info.mode = 0o644
    tar.addfile(info, io.BytesIO(content))


def _renamed(record: Record, key: str) -> dict[str, Any]:
    """Returns the record's line with the media names of the tar file."""
    folder = Path("/")
    number = 0
    line = record_to_json(record, folder)
    for message, written in zip(record.messages, line["messages"], strict=True):
        for part, its in zip(message.parts, written["content"], strict=True):
            if not isinstance(part, RecordText | SimulatedClassification):
                its[part.kind] = f"{key}.{number}{part.path.suffix.lower()}"
                number += 1
    return line
