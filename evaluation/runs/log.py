"""The log: one JSON line per sample, on disk before the next question is asked.

    OUT/videomme/log.rank0.jsonl, log.rank1.jsonl   one file per process while they write
    OUT/videomme/log.jsonl                          all rows in question order

Scores, tables, the report and submission files can be made from these lines at any time. A process
may be killed at any moment: the incomplete line it leaves is dropped.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from evaluation.json_files import replace_file

MERGED = "log.jsonl"
LogRow = Mapping[str, Any]

# The fields of a line, in order. `extracted` and `score` have one entry per extraction mode.
FIELDS = (
    "benchmark",
    "id",
    "index",  # of the question, from 0
    "group",  # the video or document: the cluster of the error bars
    "prompt",  # the user turn as text, with <image> and <video> for media
    "system",
    "media",  # of each: name, kind, size, frame_indices, times (seconds), warnings
    "captions",
    "raw",  # the model's answer; null if the sample failed
    "extracted",
    "score",
    "targets",
    "options",
    "category",
    "extra",
    "tokens",  # input, output, visual
    "seconds",  # decode_media, prefill, decode
    "error",  # one sentence if the sample failed, else empty
)


class LogWriter:
    """Appends lines to one process's file. A line is on disk when `add` returns."""

    def __init__(self, folder: Path, rank: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"log.rank{rank}.jsonl"
        self._file: BinaryIO = self.path.open("a+b")
        _drop_torn_line(self._file)

    def add(self, row: Mapping[str, Any]) -> None:
        """Writes one row, which must have all fields."""
        assert row.keys() == set(FIELDS), row.keys() ^ set(FIELDS)
        ordered = {name: row[name] for name in FIELDS}
        self._file.write(line(ordered))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "LogWriter":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def line(row: Mapping[str, Any]) -> bytes:
    """Encodes a row as a line. Escapes lone surrogates, which UTF-8 cannot represent."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, allow_nan=False).encode() + b"\n"


def read_log(folder: Path) -> list[LogRow]:
    """Returns one row per sample of a benchmark's folder, in question order.

    Of several attempts at a sample, an answer takes precedence over a failure and a later line over
    an earlier one.
    """
    rows: dict[str, LogRow] = {}
    for path in log_files(folder):
        for row in read_lines(path):
            known = rows.get(row["id"])
            if known is None or known["error"] or not row["error"]:
                rows[row["id"]] = row
    return sorted(rows.values(), key=lambda row: row["index"])


def log_files(folder: Path) -> list[Path]:
    """Returns the merged log, then the files of single processes."""
    merged = folder / MERGED
    return [merged] * merged.is_file() + sorted(folder.glob("log.rank*.jsonl"))


def read_lines(path: Path) -> list[LogRow]:
    """Returns the rows of one file, without an incomplete last line."""
    rows = []
    lines = path.read_bytes().split(b"\n")
    for number, text in enumerate(lines[:-1], 1):  # text after the last line break is incomplete
        try:
            row = json.loads(text)
            row["id"], row["error"], row["index"]  # noqa: B018 - raises KeyError if one is missing
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{path}, line {number} is not a line of a log; was the file edited? Remove the"
                " line to ask that sample again."
            ) from None
        rows.append(row)
    return rows


def merge(folder: Path) -> list[LogRow]:
    """Merges the processes' files into one. An interruption loses no row."""
    rows = read_log(folder)
    parts = [path for path in log_files(folder) if path.name != MERGED]
    replace_file(folder / MERGED, (line(row) for row in rows))
    for path in parts:
        path.unlink()
    return rows


def answered(rows: Sequence[LogRow]) -> set[str]:
    """Returns the ids of samples that have an answer."""
    return {row["id"] for row in rows if not row["error"]}


def _drop_torn_line(file: BinaryIO) -> None:
    """Truncates an incomplete last line, left by a process that was killed."""
    end = file.seek(0, os.SEEK_END)
    start = end
    while start > 0:
        start = max(0, start - 65536)
        file.seek(start)
        newline = file.read(min(65536, end - start)).rfind(b"\n")
        if newline >= 0:
            if start + newline + 1 < end:
                file.truncate(start + newline + 1)
            return
    file.truncate(0)
