"""How many tokens samples have, before any of their media is decoded.

    measure      a record -> tokens of its words, tiles of its pictures, frames of its videos
    num_tokens   a measure and a draw (looks, frames) -> the length of the sample

Words are tokenised and headers read once; what a draw adds is arithmetic, the same as the prompt's
(vlm/prompt/writer.py). A sample is never longer than its measure says, unless a header lied.
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

from data.records import Concept, MediaFile, Record, RecordError, RecordText
from data.samples.dataset import Draw
from data.samples.decoder import Decoder
from vlm.conversation import Conversation, Message, Text
from vlm.inference.budget import count_tiles
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaInfo
from vlm.processor import PVCProcessor

VIDEO = -1  # in place of a picture's number
CHUNK = 1024  # records handed to the threads at once


@dataclass(frozen=True)
class LengthParts:
    """What a record's length is made of."""

    text: int  # tokens of words and template
    # Of each picture (its number in the prompt or 0, tiles), of each video (VIDEO, frames it has).
    media: tuple[tuple[int, int], ...] = ()


class HeaderReader(Protocol):
    """Tells what the header of a file says (data/samples/decoder.py)."""

    def probe(self, media: MediaFile) -> MediaInfo: ...


class _LongestMedia:
    """Says of every clip that it has as many frames as anybody asks for."""

    def probe(self, media: MediaFile) -> MediaInfo:
        return MediaInfo(str(media.path), "video", 0, 0, 0.0, 2**30, 0.0, "", "")


@dataclass(frozen=True)
class LengthEstimator:
    """Measures records for one processor."""

    processor: PVCProcessor
    max_tiles: int = 1

    def upper_bound(self, record: Record) -> LengthParts:
        """What a record can be at most, without a look at its media."""
        return self.measure(record, _LongestMedia())

    def measure(self, record: Record, decoder: HeaderReader) -> LengthParts:
        """Reads headers where the length depends on them; MediaError where one cannot be read."""
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
        num_tokens = len(self.processor.writer.write(words).ids)
        media: list[tuple[int, int]] = []
        num_images = 0
        for message in record.messages:
            shown = [part for part in message.parts if not isinstance(part, RecordText)]
            images = [part for part in shown if isinstance(part, Concept) or part.kind == "image"]
            numbered = num_images + len(images) > 1
            for part in shown:
                if isinstance(part, MediaFile) and part.kind == "video":
                    media.append((VIDEO, max(1, decoder.probe(part).num_frames)))
                    continue
                num_images += 1
                media.append((num_images if numbered else 0, self._tiles(part, decoder)))
        return LengthParts(num_tokens, tuple(media))

    def _tiles(self, part: MediaFile | Concept, decoder: HeaderReader) -> int:
        if isinstance(part, Concept) or self.max_tiles == 1:
            return 1
        if isinstance(decoder, _LongestMedia):
            return self.max_tiles + 1  # and the thumbnail
        info = decoder.probe(part)
        side = self.processor.image_processor.image_size
        return count_tiles(info.width, info.height, self.max_tiles, side)

    def num_tokens(self, measure: LengthParts, draw: Draw) -> int:
        """The length of the sample."""
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
        """What measures depend on."""
        tokenizer = self.processor.tokenizer
        words = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else repr(tokenizer)
        side = self.processor.image_processor.image_size
        settings = f"{words} {self.processor.prompt} {self.max_tiles} {side}"
        return hashlib.sha256(settings.encode()).hexdigest()


class LengthTable:
    """Measures of many records in a few arrays; what could not be measured has a reason."""

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
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, text=self.text, starts=self.starts, media=self.media)
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> "LengthTable | None":
        """What was saved, if it can be read."""
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
    """The measures of records 0 to count - 1; told as a bar, and kept for the next time.

    What could not be measured is tried again the next time.
    """
    kept = LengthTable.load(cache_path) if cache_path is not None else None
    if kept is not None and len(kept) == count and not (kept.text < 0).any():
        return kept
    usable = kept if kept is not None and len(kept) == count else None
    local = threading.local()

    def one(index: int) -> LengthParts | str:
        if usable is not None and usable.text[index] >= 0:
            return usable[index]
        if not hasattr(local, "decoder"):
            local.decoder = Decoder(seconds)
        try:
            return estimator.measure(read(index), local.decoder)
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
