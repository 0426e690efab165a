"""Records streamed from tar files: for sets too large for single files or an index.

The layout is webdataset's: members whose names agree up to the first dot form one sample, the
record `KEY.json` and its media `KEY.0.jpg`, `KEY.1.mp4` ..., in one or more uncompressed tar files:

    path: shards/train-{000000..000099}.tar

The order is the same in every process: shards shuffled by the seed, then samples shuffled within a
buffer. A process skips samples by reading headers alone, so any number of loader workers, and a run
that is resumed by counting, see the same samples at the same positions. (The webdataset package
reads every byte to skip a sample, orders samples by the number of workers, and opens `pipe:`
addresses with a shell, so this module uses the standard library's tarfile.)
"""

import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from data.records import MediaFile, Record, RecordError, RecordMessage, record_from_json
from data.sources.record_file import rough_length_of_line
from data.sources.shuffle import numbers, permutation
from vlm.media.source import ArchiveMember

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
MAX_RECORD = 16 * 2**20  # bytes of a record's JSON


@dataclass(frozen=True)
class TarMember(MediaFile):
    """A picture or clip inside a tar file; `path` is the archive's path plus the member's name."""

    archive: Path = Path()
    offset: int = 0
    size: int = 0

    @property
    def archive_member(self) -> ArchiveMember:
        archive = os.path.abspath(self.archive)
        return ArchiveMember(self.path.name, archive, self.offset, self.size)


@dataclass(frozen=True)
class ShardSample:
    """One sample of a tar file, without its media's bytes."""

    where: str
    line: bytes  # the record's JSON
    archive: Path
    members: dict[str, tuple[int, int]]  # name -> offset and number of bytes
    fault: str = ""  # why there is no record

    def record(self) -> Record:
        """Parses the record; raises RecordError if it is invalid."""
        if self.fault:
            raise RecordError(f"{self.where}: {self.fault}")
        record = record_from_json(self.line, self.archive, self.where)
        return replace(record, messages=tuple(self._with_members(m) for m in record.messages))

    def _with_members(self, message: RecordMessage) -> RecordMessage:
        parts = [self._member(p) if isinstance(p, MediaFile) else p for p in message.parts]
        return replace(message, parts=tuple(parts))

    def _member(self, media: MediaFile) -> MediaFile:
        name = media.path.relative_to(self.archive.resolve()).as_posix()
        if name not in self.members:
            raise RecordError(f"{self.where}: {name} is not next to the record in the tar file.")
        return TarMember(media.kind, media.path, media.words, self.archive, *self.members[name])


class ShardStream:
    """The samples of tar files in an order determined by the seed, repeated without end.

    Finding sample n reads on from the last sample; going back restarts the stream, except within
    the last `keep` samples.
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
        if not any(True for shard in self.shards for _ in islice(samples_in(shard), 1)):
            raise RecordError(f"{self.path}: these tar files contain no samples.")
        self._restart()

    def __getitem__(self, index: int) -> Record:
        return self.sample(index).record()

    def where(self, index: int) -> str:
        """Returns the tar file and the name of a sample."""
        return self.sample(index).where

    def rough_length(self, index: int) -> int:
        """Returns the approximate number of tokens of a sample."""
        return rough_length_of_line(self.sample(index).line)

    def sample(self, index: int) -> ShardSample:
        """Reads up to sample `index` and returns it."""
        if index < self._next - len(self._last) or self._process != os.getpid():
            self._restart()
        while self._next <= index:
            self._last[self._next] = next(self._samples)
            self._last.pop(self._next - self.keep, None)
            self._next += 1
        return self._last[index]

    def _restart(self) -> None:
        # A fork shares its parent's file positions, so each process opens its own files.
        self._process = os.getpid()
        self._samples = self._shuffled()
        self._last: dict[int, ShardSample] = {}
        self._next = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samples": iter(()), "_process": -1}

    def _shuffled(self) -> Iterator[ShardSample]:
        for epoch in count():
            yield from _buffered(self._epoch(epoch), self.buffer, f"{self.seed} buffer {epoch}")

    def _epoch(self, epoch: int) -> Iterator[ShardSample]:
        for index in permutation(len(self.shards), self.seed, "shards", epoch):
            yield from samples_in(self.shards[index])


def _buffered(samples: Iterator[ShardSample], size: int, seed: str) -> Iterator[ShardSample]:
    """Shuffles samples within a buffer."""
    buffer: list[ShardSample] = []
    picks: list[int] = []
    drawn = 0
    for sample in samples:
        if len(buffer) < size:
            buffer.append(sample)
            continue
        if not picks:
            picks = numbers(1024, seed, drawn).tolist()
            drawn += 1
        index = picks.pop() % size
        buffer[index], sample = sample, buffer[index]
        yield sample
    yield from (buffer[index] for index in permutation(len(buffer), seed, "rest"))


def samples_in(shard: Path) -> Iterator[ShardSample]:
    """Yields the samples of a tar file; the last one of a truncated file is the fault."""
    members: dict[str, tuple[int, int]] = {}
    key, line = "", b""
    try:
        with tarfile.open(shard, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # otherwise it remembers all members
                if not member.isreg() or member.issparse():
                    continue
                name = member.name.removeprefix("./")
                folder, slash, last = name.rpartition("/")
                member_key = folder + slash + last.partition(".")[0]
                if member_key != key and (line or members):
                    yield _sample(shard, key, line, members)
                    members, line = {}, b""
                key = member_key
                if last.partition(".")[2] == "json":
                    content = tar.extractfile(member)
                    assert content is not None
                    line = content.read(MAX_RECORD)
                else:
                    members[name] = (member.offset_data, member.size)
        if line or members:
            yield _sample(shard, key, line, members)
    except (tarfile.TarError, OSError) as error:
        fault = f"the tar file cannot be read to its end ({error}); copy it again."
        yield ShardSample(str(shard), b"", shard, {}, fault)


def _sample(shard: Path, key: str, line: bytes, members: dict[str, tuple[int, int]]) -> ShardSample:
    fault = "" if line else "there is no .json next to its media."
    return ShardSample(f"{shard}, {key}", line, shard, members, fault)


def shards(path: str | Path) -> list[Path]:
    """Expands a path with braces to its tar files."""
    return [Path(name) for name in expand(str(path))]


def expand(path: str) -> list[str]:
    """Expands `a-{000..099}.tar` to its hundred names."""
    match = BRACES.search(path)
    if match is None:
        return [path]
    first, last = match.groups()
    if int(last) < int(first):
        raise ValueError(f"{path}: {{{first}..{last}}} counts backwards")
    middles = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    head, tail = path[: match.start()], path[match.end() :]
    return [head + middle + rest for middle in middles for rest in expand(tail)]
