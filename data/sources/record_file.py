"""A JSONL file of records as a sequence: each record is read from disk when it is indexed.

Only 16 bytes per record stay in memory (offset and number of its line, approximate length), so a
file can have millions of records.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from data.json_text import is_blank_line, refuse_wide
from data.records import MEDIA, Record, RecordError, record_from_json

# Approximate token counts, only used to batch records of about equal length.
TOKENS_OF_IMAGE, TOKENS_OF_VIDEO = 70, 160


class RecordSequence(Sequence[Record], ABC):
    """Records by position, each read when it is used."""

    @abstractmethod
    def read(self, index: int) -> Record:
        """Reads a record; raises RecordError if its line is not a record."""

    @abstractmethod
    def where(self, index: int) -> str:
        """Returns the file and line of a record, for messages."""

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self.read(i) for i in range(*index.indices(len(self)))]
        return self.read(index)


class RecordFile(RecordSequence):
    """The records of a JSONL file by position; reading an invalid line raises RecordError."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        starts, numbers, lengths, digest = [], [], [], hashlib.sha256()
        start = 0
        for number, line in enumerate(self._lines(), start=1):
            digest.update(line)
            if not is_blank_line(line):
                starts.append(start)
                numbers.append(number)
                lengths.append(rough_length_of_line(line))
            start += len(line)
        self.starts = np.array(starts, np.int64)
        self.numbers = np.array(numbers, np.int32)  # of the line, counted from 1
        self.rough_lengths = np.array(lengths, np.int32)
        self.digest = digest.hexdigest()

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                refuse_wide(file.read(4))
                file.seek(0)
                yield from file
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise RecordError(f"{self.path}: {error}.") from None

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, index: int) -> Record:
        return record_from_json(self.line(index), self.path.parent, self.where(index))

    def line(self, index: int) -> bytes:
        """Reads the line of a record as bytes."""
        with self.path.open("rb") as file:  # reopened: processes must not share a position
            file.seek(int(self.starts[index]))
            return file.readline()

    def rough_length(self, index: int) -> int:
        """Returns the approximate number of tokens of a record."""
        return int(self.rough_lengths[index])

    def where(self, index: int) -> str:
        return f"{self.path}, line {self.numbers[index]}"


def rough_length_of_line(line: bytes) -> int:
    """Estimates the number of tokens of a record; 0 for an invalid line."""
    try:
        messages = json.loads(line)["messages"]
        return sum(_rough_length(message["content"]) for message in messages)
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0


def _rough_length(content: Any) -> int:
    if isinstance(content, str):
        return 5 + len(content) // 4
    length = 5
    for part in content:
        kind = part["type"]
        if kind == "text":
            length += len(part["text"]) // 4
        else:
            length += TOKENS_OF_VIDEO if kind == MEDIA[1] else TOKENS_OF_IMAGE
    return length
