"""From records to samples: read the media, render the conversation.

What is drawn at random for a sample (how many frames, how often a picture is looked at) follows
from the seed and its place in the run alone, so a run that is resumed, or that has another number
of loader workers, sees the same. A record that cannot be used becomes a `RejectedSample` with its
reason in the same place: nothing else is put there instead.
"""

import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from data.embedded.classifier import SimulatedClassifier, backdrop
from data.embedded.grounding import WORDS as GROUNDING_WORDS
from data.embedded.grounding import Said, said_by_tokens
from data.records import Concept, MediaFile, Record, RecordError, RecordText
from data.samples.decoder import Decoder
from data.samples.disk_cache import FrameCache
from data.synthetic.drawing.assets import load_assets
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.media.confined.limits import MediaError
from vlm.processor import PVCProcessor, Rendered

# Words of answers that say nothing of a picture.
SMALL_WORDS = frozenset(
    str.split(
        "a an the is are it its this that there i see in on at of and or to with for no not yes "
        "kind picture image photo video shows show looks like background does what can t cannot "
        "tell"
    )
)


@dataclass(frozen=True)
class Sample:
    """One rendered conversation, and classifier outputs for its pictures that nobody has."""

    id: str
    rendered: Rendered
    concepts: dict[int, np.ndarray]  # frame, counted within the sample -> logits [N, K]
    words: list[int]  # ids of the words that are said of the pictures
    said: list[tuple[Said, list[int]]]  # what single tokens should say, and the ids of that


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
        classifier: SimulatedClassifier | None = None,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008  frozen
        media_options: MediaOptions = MediaOptions(),  # noqa: B008  frozen
        grid: tuple[int, int] | None = None,
    ) -> None:
        """`grid` is that of a look's tokens after one for the whole, where they are to be told what
        to say."""
        self.records = records
        self.processor = processor
        self.classifier = classifier
        self.sampling = sampling
        self.media_options = media_options
        self.grid = grid
        self.backgrounds = load_assets().backgrounds if classifier is not None else ()
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
        concepts: dict[int, np.ndarray] = {}
        num_frames = 0
        messages = []
        for message in record.messages:
            parts: list[Text | Image | Video] = []
            for part in message.parts:
                if isinstance(part, RecordText):
                    parts.append(Text(part.text))
                    continue
                if isinstance(part, Concept):
                    concepts[num_frames] = self._logits(part)
                media = self._read(part, draw, deadline)
                num_frames += len(media.frames) if isinstance(media, Video) else 1
                parts.append(media)
            messages.append(Message(message.role, tuple(parts)))  # type: ignore[arg-type]
        rendered = self.processor.render(Conversation(tuple(messages)))
        words, said = self.words(record), self._said(record, rendered)
        return Sample(record.id, rendered, concepts, words, said)

    def _read(self, part: MediaFile | Concept, draw: Draw, deadline: float) -> Image | Video:
        size = self.processor.image_processor.image_size
        if isinstance(part, Concept):
            return Image(backdrop(part.seed, size, self.backgrounds), draw.looks)
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

    def _logits(self, concept: Concept) -> np.ndarray:
        if self.classifier is None:
            raise ValueError("records of concepts need a model with a classifier, this has none")
        return self.classifier.logits(concept.index, concept.confidence, concept.seed)

    def _said(self, record: Record, rendered: Rendered) -> list[tuple[Said, list[int]]]:
        if record.objects is None or self.grid is None:
            return []
        frames, looks = sum(rendered.clip_frames), sum(rendered.clip_looks)
        all_said = said_by_tokens(record.objects, frames, looks, self.grid)
        return [(said, self.ids(said.words)) for said in all_said]

    def ids(self, words: Sequence[str]) -> list[int]:
        """The tokens of words as they stand within a sentence, each once."""
        plain = self.processor.writer.plain
        return list(dict.fromkeys(token for word in words for token in plain(" " + word)))

    def words(self, record: Record) -> list[int]:
        """The words of the answers that say something, each once, as ids after a space."""
        if all(
            isinstance(part, RecordText) for message in record.messages for part in message.parts
        ):
            return []
        said = " ".join(message.text for message in record.messages if message.role == "assistant")
        words = re.findall(r"[a-z]+|[0-9]", said.lower())
        return self.ids([word for word in words if word not in SMALL_WORDS])

    def vocabulary(self) -> list[int]:
        """All ids that a visual token may be asked to point to."""
        ids: set[int] = set()
        shown: set[str] = set()
        for record in self._each():
            ids.update(self.words(record))
            if record.objects is not None:
                shown.add(record.objects.background)
                shown.update(box.label for frame in record.objects.frames for box in frame)
        if shown and self.grid is not None:
            words = {word for label in shown for word in label.split()} | GROUNDING_WORDS
            ids.update(self.ids(sorted(words)))
        return sorted(ids)

    def _each(self) -> Iterator[Record]:
        """The records that can be read, each at least once."""
        each = getattr(self.records, "each", None)
        yield from each() if each is not None else self.records
