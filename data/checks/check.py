"""What is in files of records, and what of it cannot be used: `python -m data check`.

Headers of media are read, not the media (unless asked), each in a process that can be killed. A
record is right when training could use it; everything else is a problem with its file and line.
"""

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from data.records import Concept, MediaFile, Record, RecordError
from data.samples.dataset import Draw
from data.samples.decoder import Decoder
from data.samples.token_lengths import CHUNK, LengthEstimator
from data.sources.record_file import RecordFile
from data.sources.shards import ShardSample, entries, shards
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaInfo
from vlm.media.kinds import HEAD_BYTES, recognise

# Tags by which other formats say where media stand; here they are only words.
TAGS = re.compile(r"<(?:image|video)>")


@dataclass(frozen=True)
class Problem:
    """Something that cannot be used, or should not be as it is."""

    where: str  # the file and line
    kind: str  # malformed, missing, unreadable, damaged, duplicate, tag
    text: str


@dataclass
class Findings:
    """What the files hold, in counts."""

    num_records: int = 0
    num_answers: int = 0
    files: Counter[str] = field(default_factory=Counter)  # records by file
    shows: Counter[str] = field(default_factory=Counter)  # records by what they show
    turns: Counter[int] = field(default_factory=Counter)  # records by number of answers
    num_with_system: int = 0  # records that open with a system message
    media: Counter[str] = field(default_factory=Counter)  # parts by kind, each as often as used
    lengths: list[int] = field(default_factory=list)  # tokens of each record
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class CheckOptions:
    """How records are looked at."""

    estimator: LengthEstimator
    draw: Draw
    decode: bool = False
    seconds: float = 30.0


@dataclass(frozen=True)
class _CheckedRecord:
    """One record, looked at."""

    where: str
    record: Record | None
    digest: bytes
    num_tokens: int
    problems: list[Problem]


class _MediaChecker:
    """Looks at each media file once, however many records show it."""

    def __init__(self, checks: CheckOptions) -> None:
        self.checks = checks
        self.local = threading.local()
        self.known: dict[tuple[str, str], MediaInfo | MediaError] = {}

    def probe(self, media: MediaFile) -> MediaInfo:
        key = (media.kind, str(media.path))
        found = self.known.get(key)
        if found is None:
            try:
                found = self._look(media)
            except MediaError as error:
                found = error
            self.known[key] = found
        if isinstance(found, MediaError):
            raise found
        return found

    def _look(self, media: MediaFile) -> MediaInfo:
        if not hasattr(self.local, "decoder"):
            self.local.decoder = Decoder(self.checks.seconds)
        decoder: Decoder = self.local.decoder
        info = decoder.probe(media)
        if not media.place:
            with media.path.open("rb") as file:
                kind = recognise(file.read(HEAD_BYTES))
            film = kind is not None and kind.family == "video"
            if media.kind == "image" and film:
                raise MediaError(f'"{media.path.name}" is a video, but named as an image.')
            if media.kind == "video" and info.kind == "image":
                raise MediaError(f'"{media.path.name}" is a still picture, but named as a video.')
        if self.checks.decode:
            side = self.checks.estimator.processor.image_processor.image_size
            frames = self.checks.draw.num_frames
            if media.kind == "video":
                damaged = decoder.video(media, frames, side).damaged
            else:
                damaged = decoder.image(media, side).damaged
            if damaged:
                raise MediaError(f'"{media.path.name}" is damaged: {" ".join(damaged)}')
        return info


@dataclass(frozen=True)
class _RecordLine:
    """A line of a file, or a sample of a tar file."""

    where: str
    line: bytes
    record: Callable[[], Record]


def check(paths: Iterable[str | Path], checks: CheckOptions, workers: int = 2) -> Findings:
    """Looks at every record of the files, which may be tar files (data/sources/shards.py)."""
    findings, media = Findings(), _MediaChecker(checks)
    first_seen: dict[bytes, str] = {}
    for path in map(Path, paths):
        items, total = _items(path)
        before = findings.num_records
        looked_at = _each(items, checks, media, workers)
        for seen in tqdm(looked_at, path.name, total, unit="record", delay=1):
            _count(findings, seen)
            if seen.record is None:
                continue
            first = first_seen.setdefault(seen.digest, seen.where)
            if first != seen.where:
                text = f"is the same conversation as {first}."
                findings.problems.append(Problem(seen.where, "duplicate", text))
        findings.files[str(path)] = findings.num_records - before
        if findings.num_records == before:
            findings.problems.append(Problem(str(path), "malformed", "has no records."))
    return findings


def _items(path: Path) -> tuple[Iterator[_RecordLine], int | None]:
    """What a file holds, and how many they are, where that is known."""
    if path.suffix == ".tar":
        found = (entry for shard in shards(path) for entry in _shard(shard))
        return (_RecordLine(entry.where, entry.line, entry.record) for entry in found), None
    file = RecordFile(path)
    each = (
        _RecordLine(file.where(index), file.line(index), partial(file.read, index))
        for index in range(len(file))
    )
    return each, len(file)


def _shard(shard: Path) -> Iterator[ShardSample]:
    if not shard.is_file():
        raise RecordError(f"{shard}: does not exist.")
    yield from entries(shard)


def _each(
    items: Iterator[_RecordLine], checks: CheckOptions, media: _MediaChecker, workers: int
) -> Iterator[_CheckedRecord]:
    with ThreadPoolExecutor(max(1, workers)) as pool:
        while chunk := list(islice(items, CHUNK)):
            yield from pool.map(lambda item: _look(item, checks, media), chunk)


def _look(item: _RecordLine, checks: CheckOptions, media: _MediaChecker) -> _CheckedRecord:
    where = item.where
    try:
        record = item.record()
    except RecordError as error:
        text = str(error).removeprefix(f"{where}: ")
        return _CheckedRecord(where, None, b"", 0, [Problem(where, "malformed", text)])
    problems = []
    for one in dict.fromkeys(record.media):
        try:
            media.probe(one)
        except MediaError as error:
            kind = "missing" if not one.place and not one.path.exists() else "unreadable"
            problems.append(Problem(where, kind, str(error)))
    for message in record.messages:
        for tag in TAGS.findall(message.text):
            text = f"holds the word {tag}, which shows nothing; is it from another format?"
            problems.append(Problem(where, "tag", text))
        if message.role == "assistant" and not message.text.strip():
            problems.append(Problem(where, "malformed", "has an answer without words."))
    num_tokens = 0
    if not any(problem.kind in ("missing", "unreadable") for problem in problems):
        measure = checks.estimator.measure(record, media)
        num_tokens = checks.estimator.num_tokens(measure, checks.draw)
    return _CheckedRecord(where, record, _digest(item.line), num_tokens, problems)


def _digest(line: bytes) -> bytes:
    """Of the messages alone, however they are set."""
    messages = json.dumps(json.loads(line)["messages"], sort_keys=True)
    return hashlib.blake2b(messages.encode(), digest_size=16).digest()


def _count(findings: Findings, seen: _CheckedRecord) -> None:
    findings.problems += seen.problems
    findings.num_records += 1
    if seen.record is None:
        return
    record = seen.record
    answers = sum(message.role == "assistant" for message in record.messages)
    findings.num_answers += answers
    findings.turns[answers] += 1
    findings.num_with_system += record.messages[0].role == "system"
    findings.shows[media_summary(record)] += 1
    findings.media.update(media.kind for media in record.media)
    if seen.num_tokens:
        findings.lengths.append(seen.num_tokens)


def media_summary(record: Record) -> str:
    """What a record shows, in words."""
    images = sum(media.kind == "image" for media in record.media)
    videos = len(record.media) - images
    if images and videos:
        return "pictures and clips"
    if images:
        return "one picture" if images == 1 else "several pictures"
    if videos:
        return "one clip" if videos == 1 else "several clips"
    concepts = any(isinstance(part, Concept) for m in record.messages for part in m.parts)
    return "a picture nobody has" if concepts else "text only"
