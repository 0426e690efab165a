"""Records from tar files, one after the other: for sets too large for single files or an index.

The layout is webdataset's: members that share a name up to its first dot are one sample, its record
`KEY.json` and its media `KEY.0.jpg`, `KEY.1.mp4` ... beside it, in one or many uncompressed tars:

    path: shards/train-{000000..000099}.tar

The order is the same for every process: shards shuffled by the seed, then their samples through a
buffer. A process passes over what it does not need by reading headers alone, so that any number
of loader workers, and a run that is resumed by counting, see the same samples in the same places.
(The webdataset package reads every byte to skip a sample, orders samples by the number of workers,
and opens `pipe:` addresses with a shell; so the standard library's tarfile reads them here.)
"""

import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from data.records import MediaFile, Record, RecordError, RecordMessage, record_from_json
from data.sources.record_file import rough_length_of_line
from data.sources.shuffle import numbers, permutation

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
MAX_RECORD = 16 * 2**20  # bytes of a record's JSON


@dataclass(frozen=True)
class TarMember(MediaFile):
    """A picture or a clip within a tar file; `path` is the tar's with the member's name."""

    archive: Path = Path()
    offset: int = 0
    size: int = 0

    @property
    def place(self) -> dict[str, str | int]:
        archive = os.path.abspath(self.archive)
        return {"archive": archive, "offset": self.offset, "size": self.size}


@dataclass(frozen=True)
class ShardSample:
    """One sample of a tar file, its media unread."""

    where: str
    line: bytes  # the record's JSON
    archive: Path
    members: dict[str, tuple[int, int]]  # name -> where its bytes begin, how many
    wrong: str = ""  # why there is no record

    def record(self) -> Record:
        """The record; RecordError where it is none."""
        if self.wrong:
            raise RecordError(f"{self.where}: {self.wrong}")
        try:
            text = self.line.decode()
        except UnicodeDecodeError as error:
            raise RecordError(f"{self.where}: is not UTF-8 text.") from error
        record = record_from_json(text, self.archive, self.where)
        return replace(record, messages=tuple(self._found(m) for m in record.messages))

    def _found(self, message: RecordMessage) -> RecordMessage:
        parts = [self._member(p) if isinstance(p, MediaFile) else p for p in message.parts]
        return replace(message, parts=tuple(parts))

    def _member(self, media: MediaFile) -> MediaFile:
        name = media.path.relative_to(self.archive.resolve()).as_posix()
        if name not in self.members:
            raise RecordError(f"{self.where}: {name} is not beside the record in the tar file.")
        return TarMember(media.kind, media.path, self.archive, *self.members[name])


class ShardStream:
    """The samples of tar files in an order that follows from the seed, without end.

    Sample n is found by going there from where the last one was; going back costs a new start,
    except among the last `keep`.
    """

    def __init__(
        self, path: str | Path, seed: object = 0, buffer: int = 1000, keep: int = 1024
    ) -> None:
        self.path = Path(path)
        self.shards = shards(path)
        for shard in self.shards:
            if not shard.is_file():
                raise RecordError(f"{shard}: does not exist.")
        self.seed = seed
        self.buffer = buffer
        self.keep = keep
        if not any(True for shard in self.shards for _ in islice(entries(shard), 1)):
            raise RecordError(f"{self.path}: there are no samples in these tar files.")
        self._restart()

    def __getitem__(self, index: int) -> Record:
        return self.entry(index).record()

    def where(self, index: int) -> str:
        """The tar file and the name of a sample."""
        return self.entry(index).where

    def rough_length(self, index: int) -> int:
        """About how many tokens a sample has."""
        return rough_length_of_line(self.entry(index).line)

    def entry(self, index: int) -> ShardSample:
        """Sample number `index`."""
        if index < self._next - len(self._last) or self._process != os.getpid():
            self._restart()
        while self._next <= index:
            self._last[self._next] = next(self._entries)
            self._last.pop(self._next - self.keep, None)
            self._next += 1
        return self._last[index]

    def _restart(self) -> None:
        # A fork shares its parent's position in open files, so each process opens its own.
        self._process = os.getpid()
        self._entries = self._shuffled()
        self._last: dict[int, ShardSample] = {}
        self._next = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_entries": iter(()), "_process": -1}

    def _shuffled(self) -> Iterator[ShardSample]:
        turn = 0
        while True:
            yield from _buffered(self._turn(turn), self.buffer, f"{self.seed} buffer {turn}")
            turn += 1

    def _turn(self, turn: int) -> Iterator[ShardSample]:
        for index in permutation(len(self.shards), self.seed, "shards", turn):
            yield from entries(self.shards[index])


def _buffered(samples: Iterator[ShardSample], size: int, seed: str) -> Iterator[ShardSample]:
    """The samples in an order mixed within a buffer."""
    buffer: list[ShardSample] = []
    chances: list[int] = []
    drawn = 0
    for sample in samples:
        if len(buffer) < size:
            buffer.append(sample)
            continue
        if not chances:
            chances = numbers(1024, seed, drawn).tolist()
            drawn += 1
        index = chances.pop() % size
        buffer[index], sample = sample, buffer[index]
        yield sample
    yield from (buffer[index] for index in permutation(len(buffer), seed, "rest"))


def entries(shard: Path) -> Iterator[ShardSample]:
    """The samples of one tar file; one that breaks off says so in the place of its last."""
    members: dict[str, tuple[int, int]] = {}
    key, line = "", b""
    try:
        with tarfile.open(shard, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # or it remembers all of them
                if not member.isreg() or member.issparse():
                    continue
                name = member.name.removeprefix("./")
                folder, slash, last = name.rpartition("/")
                its_key = folder + slash + last.partition(".")[0]
                if its_key != key and (line or members):
                    yield _entry(shard, key, line, members)
                    members, line = {}, b""
                key = its_key
                if last.partition(".")[2] == "json":
                    content = tar.extractfile(member)
                    assert content is not None
                    line = content.read(MAX_RECORD)
                else:
                    members[name] = (member.offset_data, member.size)
        if line or members:
            yield _entry(shard, key, line, members)
    except (tarfile.TarError, OSError) as error:
        wrong = f"the tar file cannot be read to its end ({error}); copy it again."
        yield ShardSample(str(shard), b"", shard, {}, wrong)


def _entry(shard: Path, key: str, line: bytes, members: dict[str, tuple[int, int]]) -> ShardSample:
    wrong = "" if line else "there is no .json beside its media."
    return ShardSample(f"{shard}, {key}", line, shard, members, wrong)


def shards(path: str | Path) -> list[Path]:
    """The tar files that a path with braces means."""
    return [Path(name) for name in expand(str(path))]


def expand(path: str) -> list[str]:
    """`a-{000..099}.tar` -> the hundred names."""
    match = BRACES.search(path)
    if match is None:
        return [path]
    first, last = match.groups()
    if int(last) < int(first):
        raise ValueError(f"{path}: {{{first}..{last}}} counts backwards")
    middles = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    head, tail = path[: match.start()], path[match.end() :]
    return [head + middle + rest for middle in middles for rest in expand(tail)]
