"""Lengths of samples in tokens, computed before any media are decoded.

    measure      record -> tokens of its text, tiles of its pictures, frames of its videos
    num_tokens   the result and a draw (looks, frames) -> the length of the sample

Text is tokenized and headers are read once; a draw only adds arithmetic, the same as the prompt's
(vlm/prompt/writer.py). A sample is never longer than computed here, unless a header is wrong.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from data.complete_file import completed
from data.records import MediaFile, Record, RecordError, RecordText, SimulatedClassification
from data.samples.dataset import Draw
from data.samples.decoder import Decoder
from data.samples.learnable import require_learnable
from vlm.conversation import Conversation, Message, Text
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaInfo
from vlm.media.tilings import TILINGS
from vlm.processor import PVCProcessor

VIDEO = -1  # stands in the column of a picture's number
RULES = 3  # counts changes in which records are measured (data/samples/learnable.py)
CHUNK = 1024  # records submitted to the threads at once


@dataclass(frozen=True)
class LengthParts:
    """The components of a record's length."""

    text: int  # tokens of text and template
    # For each picture (its number in the prompt or 0, tiles), for each video (VIDEO, its frames).
    media: tuple[tuple[int, int], ...] = ()


class HeaderReader(Protocol):
    """Reads the header of a media file (data/samples/decoder.py)."""

    def probe(self, media: MediaFile) -> MediaInfo: ...


class _LongestMedia:
    """Reports every clip as long enough for any number of frames, without reading it."""

    def probe(self, media: MediaFile) -> MediaInfo:
        return MediaInfo(str(media.path), "video", 0, 0, 0.0, 2**30, 0.0, "", "")


@dataclass(frozen=True)
class LengthEstimator:
    """Computes the lengths of records for one processor."""

    processor: PVCProcessor
    max_tiles: int = 1

    def upper_bound(self, record: Record) -> LengthParts:
        """Returns the largest possible length of a record without reading its media."""
        return self.measure(record, _LongestMedia())

    def measure(self, record: Record, decoder: HeaderReader) -> LengthParts:
        """Reads the headers that the length depends on; raises MediaError if one is unreadable."""
        words = Conversation(
            tuple(
                Message(
                    message.role,  # type: ignore[arg-type]
                    tuple(
                        Text(part.text) for part in message.parts if isinstance(part, RecordText)
                    ),
                )
                for message in record.messages
            )
        )
        writer = self.processor.writer
        num_tokens = len(writer.write(words).ids)
        lines = [line for media in record.media for line in media.words]
        num_tokens += sum(len(writer.plain(line)) + len(writer.newline) for line in lines)
        media: list[tuple[int, int]] = []
        num_images = 0
        for message in record.messages:
            parts = [part for part in message.parts if not isinstance(part, RecordText)]
            numbered = num_images + sum(part.kind == "image" for part in parts) > 1
            for part in parts:
                if isinstance(part, MediaFile) and part.kind == "video":
                    media.append((VIDEO, max(1, decoder.probe(part).num_frames)))
                    continue
                num_images += 1
                media.append((num_images if numbered else 0, self._tiles(part, decoder)))
        return LengthParts(num_tokens, tuple(media))

    def _tiles(self, part: MediaFile | SimulatedClassification, decoder: HeaderReader) -> int:
        if isinstance(part, SimulatedClassification) or self.max_tiles == 1:
            return 1
        if isinstance(decoder, _LongestMedia):
            return self.max_tiles + 1  # plus the thumbnail
        info = decoder.probe(part)
        pictures = self.processor.image_processor
        tiling = TILINGS[pictures.tiling]
        return tiling.count(info.width, info.height, self.max_tiles, pictures.image_size)

    def num_tokens(self, measure: LengthParts, draw: Draw) -> int:
        """Returns the length of the sample in tokens."""
        writer = self.processor.writer
        looks = self.processor.prompt_config.looks if draw.looks is None else draw.looks
        total = measure.text
        for number, amount in measure.media:
            if number == VIDEO:
                total += writer.video_tokens(min(draw.num_frames, amount))
            else:
                total += writer.image_tokens(looks * amount, number)
        return total

    @property
    def name(self) -> str:
        """A hash of everything that the results depend on."""
        tokenizer = self.processor.tokenizer
        words = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else repr(tokenizer)
        side = self.processor.image_processor.image_size
        settings = f"{RULES} {words} {self.processor.prompt} {self.max_tiles} {side}"
        return hashlib.sha256(settings.encode()).hexdigest()


class LengthTable:
    """The lengths of many records in three arrays; a failed one has a reason instead."""

    def __init__(self, measures: Iterable[LengthParts | str]) -> None:
        text: list[int] = []
        starts, media = [0], list[tuple[int, int]]()
        self.reasons: dict[int, str] = {}
        for index, measure in enumerate(measures):
            if isinstance(measure, str):
                self.reasons[index] = measure
                measure = LengthParts(-1)
            text.append(measure.text)
            media += measure.media
            starts.append(len(media))
        self.text = np.array(text, np.int32)
        self.starts = np.array(starts, np.int64)
        self.media = np.array(media, np.int32).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, index: int) -> LengthParts | str:
        if self.text[index] < 0:
            return self.reasons.get(index, "could not be measured")
        media = self.media[self.starts[index] : self.starts[index + 1]].tolist()
        return LengthParts(int(self.text[index]), tuple((n, amount) for n, amount in media))

    def save(self, path: Path) -> None:
        with completed(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, text=self.text, starts=self.starts, media=self.media)

    @classmethod
    def load(cls, path: Path) -> "LengthTable | None":
        """Reads a saved table; None if unreadable."""
        found = cls(())
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found.text, found.starts, found.media = (
                    arrays[name] for name in ("text", "starts", "media")
                )
        except (OSError, ValueError, KeyError):
            return None
        return found


def measure_lengths(
    read: Callable[[int], Record],
    count: int,
    estimator: LengthEstimator,
    workers: int = 1,
    seconds: float = 30.0,
    cache_path: Path | None = None,
) -> LengthTable:
    """Measures records 0 to count - 1 under a progress bar; saves the table to `cache_path`.

    Records that fail are tried again by the next call.
    """
    saved = LengthTable.load(cache_path) if cache_path is not None else None
    if saved is not None and len(saved) == count and not (saved.text < 0).any():
        return saved
    reusable = saved if saved is not None and len(saved) == count else None
    local = threading.local()

    def one(index: int) -> LengthParts | str:
        if reusable is not None and reusable.text[index] >= 0:
            return reusable[index]
        if not hasattr(local, "decoder"):
            local.decoder = Decoder(seconds)
        try:
            record = read(index)
            require_learnable(record)
            return estimator.measure(record, local.decoder)
        except (RecordError, MediaError) as error:
            return str(error)

    def each() -> Iterator[LengthParts | str]:
        with ThreadPoolExecutor(max(1, workers)) as pool:
            for start in range(0, count, CHUNK):
                yield from pool.map(one, range(start, min(start + CHUNK, count)))

    found = LengthTable(tqdm(each(), "measuring", count, unit="record", delay=2))
    if cache_path is not None:
        found.save(cache_path)
    return found
