"""From records to samples: read the media, render the conversation.

What is drawn at random for a sample (how many frames, how often a picture is looked at) follows
from the seed and its place in the run alone, so a run that is resumed, or that has another number
of loader workers, sees the same. A record that cannot be used becomes a `RejectedSample` with its
reason in the same place: nothing else is put there instead.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from data.embedded.simulation import Simulated, Simulation
from data.embedded.word_targets import WordTargets
from data.records import Concept, MediaFile, Record, RecordError, RecordText
from data.samples.decoder import Decoder
from data.samples.disk_cache import FrameCache
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.media.confined.limits import MediaError
from vlm.processor import PVCProcessor, Rendered


@dataclass(frozen=True)
class Sample:
    """One rendered conversation, and what only some models or objectives need."""

    id: str
    rendered: Rendered
    # Outputs of the backbone to replace: name -> frame of the sample -> values.
    extra: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    targets: Any = None  # of an objective besides the answers (`RecordDataset.targets`)


@dataclass(frozen=True)
class RejectedSample:
    """A record that cannot be used: its place in the run, its file and line, and why."""

    place: int
    where: str
    reason: str


@dataclass(frozen=True)
class Draw:
    """What chance says of a sample."""

    looks: int | None  # at each picture; None: as often as the model does
    num_frames: int  # of each video, if it has as many


@dataclass(frozen=True)
class SamplingConfig:
    """How a sample's draw follows from its place: samples of one group share it."""

    looks: tuple[float, ...] | None = None  # chances of looking once, twice, ...
    num_frames: tuple[int, int] = (8, 8)
    group: int = 1  # samples in a row that share a draw
    seed: int = 0

    def draw(self, place: int) -> Draw:
        rng = random.Random(f"{self.seed} {place // self.group}")
        looks = None
        if self.looks is not None:
            looks = rng.choices(range(1, len(self.looks) + 1), self.looks)[0]
        return Draw(looks, rng.randint(*self.num_frames))


@dataclass(frozen=True)
class MediaOptions:
    """How media are read."""

    seconds: float = 30.0  # for all media of one sample
    max_tiles: int = 1  # of a picture
    cache: FrameCache | None = None  # squares of pictures and clips read before


class RecordDataset(Dataset[Sample | RejectedSample]):
    """Records as samples, each read and rendered when it is asked for."""

    def __init__(
        self,
        records: Sequence[Record],
        processor: PVCProcessor,
        simulation: Simulation | None = None,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008  frozen
        media_options: MediaOptions = MediaOptions(),  # noqa: B008  frozen
        targets: WordTargets | None = None,
    ) -> None:
        self.records = records
        self.processor = processor
        self.simulation = simulation
        self.sampling = sampling
        self.media_options = media_options
        self.targets = targets
        self.decoder = Decoder(media_options.seconds)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, place: int) -> Sample | RejectedSample:
        try:
            return self.read(self.records[place], self.sampling.draw(place))
        except (RecordError, MediaError) as error:
            return RejectedSample(place, self.where(place), str(error))

    def where(self, place: int) -> str:
        """The file and line of a sample."""
        where = getattr(self.records, "where", None)
        return where(place) if where is not None else f"sample {place}"

    def read(self, record: Record, draw: Draw) -> Sample:
        """A record's sample; RecordError or MediaError where that cannot be."""
        deadline = time.monotonic() + self.media_options.seconds
        extra: dict[str, dict[int, np.ndarray]] = {}
        num_frames = 0
        messages = []
        for message in record.messages:
            parts: list[Text | Image | Video] = []
            for part in message.parts:
                if isinstance(part, RecordText):
                    parts.append(Text(part.text))
                    continue
                if isinstance(part, MediaFile):
                    media = self._read(part, draw, deadline)
                else:
                    simulated = self._simulated(part)
                    media = Image(simulated.pixels, draw.looks)
                    for name, values in simulated.extra.items():
                        extra.setdefault(name, {})[num_frames] = values
                num_frames += len(media.frames) if isinstance(media, Video) else 1
                parts.append(media)
            messages.append(Message(message.role, tuple(parts)))  # type: ignore[arg-type]
        rendered = self.processor.render(Conversation(tuple(messages)))
        targets = None if self.targets is None else self.targets.of(record, rendered)
        return Sample(record.id, rendered, extra, targets)

    def _read(self, part: MediaFile, draw: Draw, deadline: float) -> Image | Video:
        size = self.processor.image_processor.image_size
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise MediaError(
                f"its media took longer than {self.media_options.seconds:.0f} seconds."
            )
        cache, tiled = (
            self.media_options.cache,
            part.kind == "image" and self.media_options.max_tiles > 1,
        )
        num_frames = draw.num_frames if part.kind == "video" else 1
        name = cache.name(part, num_frames, size) if cache is not None and not tiled else None
        decoded = cache.load(name) if cache is not None else None
        if decoded is None:
            if part.kind == "video":
                decoded = self.decoder.video(part, num_frames, size, seconds)
            else:
                decoded = self.decoder.image(part, None if tiled else size, seconds)
            if cache is not None:
                cache.store(name, decoded)
        if part.kind == "video":
            return Video(decoded.frames, np.array(decoded.times))
        return Image(decoded.frames[0], draw.looks, self.media_options.max_tiles)

    def _simulated(self, part: Concept) -> Simulated:
        if self.simulation is None:
            raise ValueError("records of concepts need a model with a classifier, this has none")
        return self.simulation.simulate(part, self.processor.image_processor.image_size)

    def each(self) -> Iterator[Record]:
        """The records that can be read, each at least once."""
        each = getattr(self.records, "each", None)
        yield from each() if each is not None else self.records
