"""From records to samples: read the media, render the conversation.

The random choices of a sample (how many frames, how many looks) depend only on the seed and the
sample's position in the run, so a resumed run, or one with another number of loader workers, makes
the same choices. An unusable record becomes a `RejectedSample` with its reason at the same
position; it is not replaced.

`PictureSimulator` and `TargetMaker` are the hooks of special objectives (data/embedded/). Without
them a record passes through this module alone.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch.utils.data import Dataset

from data.records import MediaFile, Record, RecordError, RecordText, SimulatedClassification
from data.samples.decoder import Decoder
from data.samples.disk_cache import FrameCache
from data.samples.learnable import require_learnable, require_length
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.media.confined.limits import MediaError
from vlm.processor import PVCProcessor, Rendered


@dataclass(frozen=True)
class Sample:
    """One rendered conversation, and the data of special models or objectives."""

    id: str
    rendered: Rendered
    # Backbone outputs to override: name -> frame of the sample -> values.
    extra: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    targets: Any = None  # of an additional objective (`TargetMaker`)


@dataclass(frozen=True)
class RejectedSample:
    """An unusable record: its position in the run, its file and line, and the reason."""

    place: int
    where: str
    reason: str


@dataclass(frozen=True)
class SimulatedPicture:
    """A picture made without a file."""

    pixels: np.ndarray  # uint8 [S, S, 3]
    extra: dict[str, np.ndarray]  # backbone outputs to override: name -> values of this frame


class PictureSimulator(Protocol):
    """Makes the pictures of record parts that name no file."""

    def simulate(self, part: SimulatedClassification, size: int) -> SimulatedPicture: ...


class TargetMaker(Protocol):
    """Makes the targets of an objective other than the answers."""

    def of(self, record: Record, rendered: Rendered) -> Any: ...


@dataclass(frozen=True)
class Draw:
    """The random choices of a sample."""

    looks: int | None  # per picture; None: the model's own number
    num_frames: int  # of each video, if it has as many


@dataclass(frozen=True)
class SamplingConfig:
    """The distribution of draws; the samples of one group share a draw."""

    looks: tuple[float, ...] | None = None  # weights of one look, two looks, ...
    num_frames: tuple[int, int] = (8, 8)
    group: int = 1  # consecutive samples that share a draw
    seed: int = 0

    def draw(self, position: int) -> Draw:
        """Returns the draw of the sample at a position of the run."""
        rng = random.Random(f"{self.seed} {position // self.group}")
        looks = None
        if self.looks is not None:
            looks = rng.choices(range(1, len(self.looks) + 1), self.looks)[0]
        return Draw(looks, rng.randint(*self.num_frames))


@dataclass(frozen=True)
class MediaOptions:
    """How media are read."""

    seconds: float = 30.0  # time limit for all media of one sample
    max_tiles: int = 1  # per picture
    cache: FrameCache | None = None


class RecordDataset(Dataset[Sample | RejectedSample]):
    """Records as samples, each read and rendered when it is indexed."""

    def __init__(
        self,
        records: Sequence[Record],
        processor: PVCProcessor,
        simulator: PictureSimulator | None = None,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008  frozen
        media_options: MediaOptions = MediaOptions(),  # noqa: B008  frozen
        targets: TargetMaker | None = None,
        max_length: int = 0,
    ) -> None:
        self.records = records
        self.processor = processor
        self.simulator = simulator
        self.sampling = sampling
        self.media_options = media_options
        self.targets = targets
        self.max_length = max_length  # tokens of the longest sample; 0: no limit
        self.decoder = Decoder(media_options.seconds)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, position: int) -> Sample | RejectedSample:
        try:
            return self.read(self.records[position], self.sampling.draw(position))
        except (RecordError, MediaError) as error:
            return RejectedSample(position, self.where(position), str(error))

    def where(self, position: int) -> str:
        """Returns the file and line of a sample."""
        where = getattr(self.records, "where", None)
        return where(position) if where is not None else f"sample {position}"

    def read(self, record: Record, draw: Draw) -> Sample:
        """Makes the sample of a record; raises RecordError or MediaError if it is unusable."""
        require_learnable(record)
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
                    media = self._read_media(part, draw, deadline)
                else:
                    simulated = self._simulate(part)
                    media = Image(simulated.pixels, draw.looks)
                    for name, values in simulated.extra.items():
                        extra.setdefault(name, {})[num_frames] = values
                num_frames += len(media.frames) if isinstance(media, Video) else 1
                parts.append(media)
            messages.append(Message(message.role, tuple(parts), message.has_loss))  # type: ignore[arg-type]
        rendered = self.processor.render(Conversation(tuple(messages)))
        require_length(record, len(rendered.ids), self.max_length)
        targets = None if self.targets is None else self.targets.of(record, rendered)
        return Sample(record.id, rendered, extra, targets)

    def _read_media(self, part: MediaFile, draw: Draw, deadline: float) -> Image | Video:
        options = self.media_options
        size = self.processor.image_processor.image_size
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise MediaError(f"its media took longer than {options.seconds:.0f} seconds.")
        cache, tiled = options.cache, part.kind == "image" and options.max_tiles > 1
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
            return Video(decoded.frames, np.array(decoded.times), part.words)
        # Each look reads on where the one before stopped.
        words = part.words if draw.looks is None else part.words[: draw.looks]
        return Image(decoded.frames[0], draw.looks, options.max_tiles, words)

    def _simulate(self, part: SimulatedClassification) -> SimulatedPicture:
        if self.simulator is None:
            raise ValueError(
                'records with parts of type "concept" need a model with a classifier, and this '
                "model has none"
            )
        return self.simulator.simulate(part, self.processor.image_processor.image_size)

    def distinct_records(self) -> Iterator[Record]:
        """Yields every readable record at least once."""
        distinct = getattr(self.records, "distinct_records", None)
        yield from distinct() if distinct is not None else self.records
