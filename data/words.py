"""Adds the experts' words to records, so that training need not run the experts.

    python -m data words IN.jsonl OUT.jsonl

Each picture and video gets `"words": [...]`: the lines that the chat would write beside it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.records import MediaFile, Record, RecordMessage, record_to_json, write_records
from data.sources.record_file import RecordFile
from vlm.conversation import Image, Video
from vlm.experts.expert_words import SHORT_SIDE, ExpertWords
from vlm.inference.visual.media_thread import longest_side
from vlm.media.decode import MediaReader


def add_words(source: Path, out: Path, experts: ExpertWords, num_frames: int) -> int:
    """Writes the records of `source` with words to `out`; returns the number of media.

    The words of a video are those of `num_frames` frames. Raises MediaError if a medium is broken.
    """
    records = RecordFile(source)
    bar = tqdm(records, source.name, len(records), unit="record", delay=1)
    with MediaReader() as reader:
        look = _Look(reader, experts, num_frames)
        write_records(out, _lines(bar, look, out.parent))
    return len(look.known)


class _Look:
    """The words of each file, looked at once."""

    def __init__(self, reader: MediaReader, experts: ExpertWords, num_frames: int) -> None:
        self.reader, self.experts, self.num_frames = reader, experts, num_frames
        self.known: dict[Path, tuple[str, ...]] = {}

    def __call__(self, message: RecordMessage) -> RecordMessage:
        parts = [
            replace(part, words=self.words(part)) if isinstance(part, MediaFile) else part
            for part in message.parts
        ]
        return replace(message, parts=tuple(parts))

    def words(self, part: MediaFile) -> tuple[str, ...]:
        if part.path not in self.known:
            self.known[part.path] = self.experts(self._read(part)).part.words
        return self.known[part.path]

    def _read(self, part: MediaFile) -> Image | Video:
        if part.kind == "image":
            return Image(self.reader.read_image(part.path).pixels)
        info = self.reader.probe(part.path)
        size = longest_side(info.width, info.height, SHORT_SIDE)
        video = self.reader.read_video(part.path, self.num_frames, size=size)
        return Video(video.frames, video.times)


def _lines(records: "tqdm[Record]", look: _Look, folder: Path) -> Iterator[dict[str, Any]]:
    for record in records:
        messages = tuple(look(message) for message in record.messages)
        yield record_to_json(replace(record, messages=messages), folder)
