"""Counts the contents of record files and finds unusable records: `python -m data check`.

It reads the headers of media, and decodes the media only on request, in a process that can be
killed. A record is sound if training can use it; anything else is a problem with a file and line.
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

from data.json_text import decode, load
from data.records import MediaFile, Record, RecordError, SimulatedClassification
from data.samples.dataset import Draw
from data.samples.decoder import Decoder
from data.samples.learnable import (
    NO_ANSWER,
    blank_answers,
    blank_sentence,
    has_answer_to_learn,
    long_sentence,
)
from data.samples.token_lengths import CHUNK, LengthEstimator
from data.sources.record_file import RecordFile
from data.sources.shards import ShardSample, samples_in, shards
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaInfo
from vlm.media.kinds import HEAD_BYTES, recognize

# Tags that mark the position of media in other formats; in a record they are plain text.
TAGS = re.compile(r"<(?:image|video)>")


@dataclass(frozen=True)
class Problem:
    """A fault of a record or a file."""

    where: str  # the file and line
    kind: str  # a key of PROBLEM_KINDS (data/checks/report.py)
    text: str


@dataclass
class Findings:
    """Counts of what the files contain, and their problems."""

    num_records: int = 0
    num_answers: int = 0
    files: Counter[str] = field(default_factory=Counter)  # records per file
    shows: Counter[str] = field(default_factory=Counter)  # records per summary of their media
    turns: Counter[int] = field(default_factory=Counter)  # records per number of answers
    num_without_loss: int = 0  # answers that are context only
    num_with_system: int = 0  # records that start with a system message
    media: Counter[str] = field(default_factory=Counter)  # uses per kind of media
    lengths: list[int] = field(default_factory=list)  # tokens per record
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class CheckOptions:
    """How records are checked."""

    estimator: LengthEstimator
    draw: Draw
    decode: bool = False
    seconds: float = 30.0
    max_length: int = 0  # tokens; 0: no limit


@dataclass(frozen=True)
class _CheckedRecord:
    """The result of checking one record."""

    where: str
    record: Record | None
    digest: bytes
    num_tokens: int
    problems: list[Problem]


class _MediaChecker:
    """Probes each media file once, even if many records use it."""

    def __init__(self, options: CheckOptions) -> None:
        self.options = options
        self.local = threading.local()
        self.known: dict[tuple[str, str], MediaInfo | MediaError] = {}

    def probe(self, media: MediaFile) -> MediaInfo:
        key = (media.kind, str(media.path))
        found = self.known.get(key)
        if found is None:
            try:
                found = self._probe(media)
            except MediaError as error:
                found = error
            self.known[key] = found
        if isinstance(found, MediaError):
            raise found
        return found

    def _probe(self, media: MediaFile) -> MediaInfo:
        if not hasattr(self.local, "decoder"):
            self.local.decoder = Decoder(self.options.seconds)
        decoder: Decoder = self.local.decoder
        info = decoder.probe(media)
        if media.archive_member is None:
            with media.path.open("rb") as file:
                kind = recognize(file.read(HEAD_BYTES))
            film = kind is not None and kind.family == "video"
            if media.kind == "image" and film:
                raise MediaError(
                    f'"{media.path.name}" is a video, but the record calls it an image.'
                )
            if media.kind == "video" and info.kind == "image":
                raise MediaError(
                    f'"{media.path.name}" is a still picture, but the record calls it a video.'
                )
        if self.options.decode:
            side = self.options.estimator.processor.image_processor.image_size
            frames = self.options.draw.num_frames
            if media.kind == "video":
                damaged = decoder.video(media, frames, side).damaged
            else:
                damaged = decoder.image(media, side).damaged
            if damaged:
                raise MediaError(f'"{media.path.name}" is damaged: {" ".join(damaged)}')
        return info


@dataclass(frozen=True)
class _RecordLine:
    """A line of a JSONL file or a sample of a tar file."""

    where: str
    line: bytes
    record: Callable[[], Record]


def check(paths: Iterable[str | Path], options: CheckOptions, workers: int = 2) -> Findings:
    """Checks every record of JSONL or tar files (data/sources/shards.py)."""
    findings, media = Findings(), _MediaChecker(options)
    first_uses: dict[bytes, str] = {}
    for path in map(Path, paths):
        items, total = _items(path)
        before = findings.num_records
        results = _check_all(items, options, media, workers)
        for result in tqdm(results, path.name, total, unit="record", delay=1):
            _count(findings, result)
            if result.record is None:
                continue
            first = first_uses.setdefault(result.digest, result.where)
            if first != result.where:
                text = f"is the same conversation as {first}."
                findings.problems.append(Problem(result.where, "duplicate", text))
        findings.files[str(path)] = findings.num_records - before
        if findings.num_records == before:
            findings.problems.append(Problem(str(path), "malformed", "contains no records."))
    return findings


def _items(path: Path) -> tuple[Iterator[_RecordLine], int | None]:
    """Yields the records of a file; also returns their number, None if unknown."""
    if path.suffix == ".tar":
        found = (sample for shard in shards(path) for sample in _shard(shard))
        return (_RecordLine(sample.where, sample.line, sample.record) for sample in found), None
    file = RecordFile(path)
    each = (
        _RecordLine(file.where(index), file.line(index), partial(file.read, index))
        for index in range(len(file))
    )
    return each, len(file)


def _shard(shard: Path) -> Iterator[ShardSample]:
    if not shard.is_file():
        raise RecordError(f"{shard}: does not exist.")
    yield from samples_in(shard)


def _check_all(
    items: Iterator[_RecordLine], options: CheckOptions, media: _MediaChecker, workers: int
) -> Iterator[_CheckedRecord]:
    with ThreadPoolExecutor(max(1, workers)) as pool:
        while chunk := list(islice(items, CHUNK)):
            yield from pool.map(lambda item: _check_record(item, options, media), chunk)


def _check_record(item: _RecordLine, options: CheckOptions, media: _MediaChecker) -> _CheckedRecord:
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
            kind = "missing" if not one.archive_member and not one.path.exists() else "unreadable"
            problems.append(Problem(where, kind, str(error)))
    for message in record.messages:
        for tag in TAGS.findall(message.text):
            text = f"contains the text {tag}, which shows no media; is it from another format?"
            problems.append(Problem(where, "tag", text))
    if blank := blank_answers(record):
        problems.append(Problem(where, "blank", _named(record, blank_sentence(blank))))
    if not has_answer_to_learn(record):
        problems.append(Problem(where, "unlearnable", _named(record, NO_ANSWER)))
    num_tokens = 0
    if not any(problem.kind in ("missing", "unreadable") for problem in problems):
        measure = options.estimator.measure(record, media)
        num_tokens = options.estimator.num_tokens(measure, options.draw)
        if options.max_length and num_tokens > options.max_length:
            text = _named(record, long_sentence(num_tokens, options.max_length))
            problems.append(Problem(where, "long", text))
    return _CheckedRecord(where, record, _digest(item.line), num_tokens, problems)


def _named(record: Record, sentence: str) -> str:
    return f'record "{record.id}" {sentence}'


def _digest(line: bytes) -> bytes:
    """Returns a hash of the messages alone, whatever the formatting of the line."""
    messages = json.dumps(load(decode(line))["messages"], sort_keys=True)
    return hashlib.blake2b(messages.encode(), digest_size=16).digest()


def _count(findings: Findings, result: _CheckedRecord) -> None:
    findings.problems += result.problems
    findings.num_records += 1
    if result.record is None:
        return
    record = result.record
    answers = sum(message.role == "assistant" for message in record.messages)
    findings.num_answers += answers
    findings.num_without_loss += sum(not message.has_loss for message in record.messages)
    findings.turns[answers] += 1
    findings.num_with_system += record.messages[0].role == "system"
    findings.shows[media_summary(record)] += 1
    findings.media.update(media.kind for media in record.media)
    if result.num_tokens:
        findings.lengths.append(result.num_tokens)


def media_summary(record: Record) -> str:
    """Describes the media of a record in words."""
    images = sum(media.kind == "image" for media in record.media)
    videos = len(record.media) - images
    if images and videos:
        return "pictures and clips"
    if images:
        return "one picture" if images == 1 else "several pictures"
    if videos:
        return "one clip" if videos == 1 else "several clips"
    simulated = any(
        isinstance(part, SimulatedClassification) for m in record.messages for part in m.parts
    )
    return "a simulated picture" if simulated else "text only"
