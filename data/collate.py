"""From records to batches: read the media, render the conversation, pad, stack.

What is drawn at random for a batch (how many frames, how often a picture is looked at) follows
from the seed and the batch's place in the run alone, so a run that is resumed, or that has another
number of loader workers, sees the same batches.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data.classifier import SimulatedClassifier
from data.grounding import WORDS as GROUNDING_WORDS
from data.grounding import Said, said_by_tokens
from data.records import Concept, Media, Record, Text
from data.synthetic.stock import load_background, load_stock
from vlm.conversation import Conversation, Image, Message, Video
from vlm.conversation import Text as Words
from vlm.media.decode import read_image, read_video
from vlm.media.transforms import resize_frames
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


class RecordDataset(Dataset[Sample]):
    """Records as samples, each rendered when it is asked for."""

    def __init__(
        self,
        records: Sequence[Record],
        processor: PVCProcessor,
        classifier: SimulatedClassifier | None = None,
        looks: Sequence[float] | None = None,
        num_frames: tuple[int, int] = (8, 8),
        batch_size: int = 1,
        seed: int = 0,
        grid: tuple[int, int] | None = None,
    ) -> None:
        """`looks` are the chances of looking once, twice, ...; None: as often as the model does.

        Samples of one batch are looked at equally often, so that none is padded for another. `grid`
        is that of a look's tokens after one for the whole, where they are to be told what to say.
        """
        self.records = records
        self.processor = processor
        self.classifier = classifier
        self.looks = looks
        self.num_frames = num_frames
        self.batch_size = batch_size
        self.seed = seed
        self.grid = grid
        self.backgrounds = load_stock().backgrounds if classifier is not None else ()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        rng = random.Random(f"{self.seed} {index // self.batch_size}")
        looks = None
        if self.looks is not None:
            looks = rng.choices(range(1, len(self.looks) + 1), self.looks)[0]
        wanted_frames = rng.randint(*self.num_frames)
        concepts: dict[int, np.ndarray] = {}
        num_frames = 0
        messages = []
        for message in record.messages:
            parts: list[Words | Image | Video] = []
            for part in message.parts:
                if isinstance(part, Text):
                    parts.append(Words(part.text))
                    continue
                if isinstance(part, Concept):
                    concepts[num_frames] = self._logits(part)
                media = self._read(part, looks, wanted_frames)
                num_frames += len(media.frames) if isinstance(media, Video) else 1
                parts.append(media)
            messages.append(Message(message.role, tuple(parts)))  # type: ignore[arg-type]
        rendered = self.processor.render(Conversation(tuple(messages)))
        words, said = self.words(record), self._said(record, rendered)
        return Sample(record.id, rendered, concepts, words, said)

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
        if all(isinstance(part, Text) for message in record.messages for part in message.parts):
            return []
        said = " ".join(message.text for message in record.messages if message.role == "assistant")
        words = re.findall(r"[a-z]+|[0-9]", said.lower())
        return self.ids([word for word in words if word not in SMALL_WORDS])

    def vocabulary(self) -> list[int]:
        """All ids that a visual token may be asked to point to."""
        ids = {token for record in self.records for token in self.words(record)}
        shown = [record.objects for record in self.records if record.objects is not None]
        if shown and self.grid is not None:
            labels = {box.label for objects in shown for frame in objects.frames for box in frame}
            grounds = {objects.background for objects in shown}
            words = {word for label in labels | grounds for word in label.split()} | GROUNDING_WORDS
            ids.update(self.ids(sorted(words)))
        return sorted(ids)

    def _read(self, part: Media | Concept, looks: int | None, num_frames: int) -> Image | Video:
        if isinstance(part, Concept):
            size = self.processor.image_processor.image_size
            return Image(_ground(part.seed, size, self.backgrounds), looks)
        if part.kind == "video":
            video = read_video(part.path, num_frames=num_frames, isolated=False)
            return Video(video.frames, video.times)
        return Image(read_image(part.path, isolated=False).pixels, looks)

    def _logits(self, concept: Concept) -> np.ndarray:
        if self.classifier is None:
            raise ValueError("records of concepts need a model with a classifier, this has none")
        return self.classifier.logits(concept.index, concept.confidence, concept.seed)


def _ground(seed: int, size: int, backgrounds: Sequence[str]) -> np.ndarray:
    """What is seen in place of a picture that nobody has: uint8 [S, S, 3].

    Mostly a piece of a photograph, so that the tower learns to say nothing of its own where the
    classifier speaks; on soft colours alone it would learn that of soft colours only.
    """
    rng = np.random.default_rng(seed)
    if not backgrounds or rng.random() < 0.2:
        return _soft_colours(rng, size)
    picture = np.asarray(load_background(backgrounds[int(rng.integers(len(backgrounds)))]))
    side = int(min(picture.shape[:2]) * rng.uniform(0.15, 0.9))
    top, left = (int(rng.integers(whole - side + 1)) for whole in picture.shape[:2])
    piece = picture[top : top + side, left : left + side, :: int(rng.choice((-1, 1)))]
    piece = resize_frames(piece[None], size)[0]
    if rng.random() < 0.5:  # patches in another order: edges and corners where none were
        step = size // int(rng.choice((2, 4)))
        rows = np.split(piece, size // step)
        patches = [patch for row in rows for patch in np.split(row, size // step, axis=1)]
        patches = [patches[i] for i in rng.permutation(len(patches))]
        across = size // step
        piece = np.vstack(
            [np.hstack(patches[i : i + across]) for i in range(0, len(patches), across)]
        )
    tint = rng.uniform(0.7, 1.3, 3) * rng.uniform(0.7, 1.3)
    return np.clip(piece * tint, 0, 255).astype(np.uint8)


def _soft_colours(rng: np.random.Generator, size: int) -> np.ndarray:
    """Soft random colours with some grain: uint8 [S, S, 3]."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, *rng.integers(2, 12, 2))))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
    grain = rng.normal(0, rng.uniform(0, 20), (size, size, 1))
    return np.clip(smooth.permute(1, 2, 0).numpy() + grain, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Collator:
    """Samples -> one padded batch, as the model's forward takes it."""

    processor: PVCProcessor

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        rendered = [sample.rendered for sample in samples]
        length = max(len(item.ids) for item in rendered)
        padding = self.processor.tokenizer.pad_token_id or 0
        batch: dict[str, Any] = {
            "input_ids": _pad([item.ids for item in rendered], padding, length),
            "attention_mask": _pad([[1] * len(item.ids) for item in rendered], 0, length),
            "labels": _pad([item.labels for item in rendered], -100, length),
        }
        frames = [clip for item in rendered for clip in item.frames]
        if frames:
            batch |= {
                "pixel_values": self.processor.pixel_values(np.concatenate(frames)),
                "clip_frames": torch.tensor([n for item in rendered for n in item.clip_frames]),
                "clip_looks": torch.tensor([n for item in rendered for n in item.clip_looks]),
                "timesteps": torch.tensor([t for item in rendered for t in item.timesteps]),
            }
            batch["looks"] = [sum(item.clip_looks) for item in rendered]
            batch["words"] = [sample.words for sample in samples]
            batch["said"] = [sample.said for sample in samples]
        places, logits, start = [], [], 0
        for sample in samples:
            for frame, values in sample.concepts.items():
                places.append(start + frame)
                logits.append(torch.from_numpy(values))
            start += sum(sample.rendered.clip_frames)
        if places:
            batch |= {
                "concept_frames": torch.tensor(places),
                "concept_logits": torch.stack(logits).float(),
            }
        return batch


def _pad(rows: Sequence[Sequence[int]], value: int, length: int) -> Tensor:
    """Rows of different lengths -> [B, length], filled up on the right."""
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])
