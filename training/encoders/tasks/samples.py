"""Annotated films as inputs of an encoder with the truth that a task's loss takes."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data.samples.dataset import RejectedSample
from data.tasks.annotations import Grounded, Localized, Segmented
from data.tasks.masks import unpack
from training.encoders.tasks.films import Films
from training.encoders.tasks.moments import frame_numbers, moments
from training.encoders.tasks.plan import MicroBatch
from training.encoders.tasks.source import Source
from vlm.encoders.config import TowerConfig
from vlm.heads.classification import clip_pixels, clip_times
from vlm.media.confined.limits import MediaError

Item = dict[str, Any]
NOTHING = -1  # the class of background pixels


class TaskDataset(Dataset[Item]):
    """The samples of micro-batches in order.

    Each has clip [T, 3, S, S], times [T], task, texts (of its whole micro-batch) and truth:
    target [] (recognition), own [] (the number of its sentence), inside [T] or [T, K] (0 or 1),
    mask [T, S, S] (the number of a text; -1: background).
    """

    def __init__(
        self,
        sources: Sequence[Source],
        plan: Sequence[MicroBatch],
        config: TowerConfig,
        num_frames: int,
        seconds: float,
        most_classes: int,
        seed: int | None,
    ) -> None:
        """Without a seed, moments are the middles, and sentences those of the whole set."""
        self.sources, self.plan, self.config = sources, plan, config
        self.num_frames, self.most_classes, self.seed = num_frames, most_classes, seed
        self.films = Films(seconds, config.image_size)
        self.each = len(plan[0].samples)

    def __len__(self) -> int:
        return len(self.plan) * self.each

    def __getitem__(self, index: int) -> Item:
        batch = self.plan[index // self.each]
        source = self.sources[batch.source]
        slot = index % self.each
        sample = batch.samples[slot]
        one = source.annotations[sample]
        texts, own = self._texts(source, batch, slot)
        rng = None if self.seed is None else random.Random(f"{self.seed} frames {index}")
        repeated = self.seed is None and batch.samples.index(sample) < slot
        item: Item = {
            "task": source.task, "texts": texts, "rejected": None, "repeated": repeated,
        }  # fmt: skip
        try:
            if isinstance(one, Segmented):
                read = self._masks(one, texts, own, rng)
            else:
                read = self._film(one, texts, rng)
        except MediaError as error:
            item["rejected"] = RejectedSample(index, f"{source.name} {one.id}", str(error))
            read = self._blank(source, len(texts))
        truth = {"target": own} if source.task == "recognition" else {"own": own}
        return {**item, **read, **{name: torch.tensor(value) for name, value in truth.items()}}

    def _texts(self, source: Source, batch: MicroBatch, slot: int) -> tuple[tuple[str, ...], int]:
        """The texts of a micro-batch, and which one is the sample's; -1: none is alone its own."""
        rng = random.Random(f"{self.seed} texts {batch.number}")
        sample = batch.samples[slot]
        if source.task in ("retrieval", "grounding", "referring"):
            everyone = self.seed is None and source.task == "retrieval"
            numbers = range(len(source.annotations)) if everyone else batch.samples
            each = {k: source.sentence(k, rng) for k in dict.fromkeys(numbers)}
            texts = tuple(dict.fromkeys(each.values()))
            return texts, texts.index(each[sample])
        texts = source.texts(batch.samples, rng, self.most_classes)
        if source.task == "recognition":
            return texts, texts.index(source.annotations[sample].label)
        return texts, NOTHING

    def _film(self, one: Any, texts: Sequence[str], rng: random.Random | None) -> Item:
        wanted = moments(one, self.films.duration(one.video), self.num_frames, rng)
        frames, times = self.films.at(one.video, wanted)
        nearest = np.abs(np.subtract.outer(wanted, times)).argmin(axis=1)
        seconds = times[nearest].tolist()
        item: Item = {
            "clip": clip_pixels(frames[nearest], self.config),
            "times": clip_times(_increasing(seconds), self.config),
        }
        if isinstance(one, Grounded):
            item["inside"] = torch.tensor([_inside(t, one.windows) for t in seconds])
        if isinstance(one, Localized):
            item["inside"] = torch.tensor([_classes(t, one, texts) for t in seconds])
        return item

    def _masks(
        self, one: Segmented, texts: Sequence[str], own: int, rng: random.Random | None
    ) -> Item:
        size = self.config.image_size
        numbers = frame_numbers(len(one.frames), self.num_frames, rng)
        pictures = {
            k: self.films.picture(one.frames[k], len(one.frames)) for k in sorted(set(numbers))
        }
        mask = np.full((len(numbers), size, size), NOTHING)
        for t, k in enumerate(numbers):
            for track in one.objects:
                rle = track.masks[k]
                if rle is None:
                    continue
                text = own if one.text else _number(track.category, texts)
                mask[t][_resized(unpack(rle), size)] = text
        frames = np.stack([pictures[k] for k in numbers])
        return {
            "clip": clip_pixels(frames, self.config),
            "times": clip_times([float(t) for t in range(len(numbers))], self.config),
            "mask": torch.from_numpy(mask),
        }

    def _blank(self, source: Source, num_texts: int) -> Item:
        """Returns the inputs of a sample that cannot be read; it does not count."""
        T, size = self.num_frames, self.config.image_size
        item: Item = {
            "clip": torch.zeros(T, 3, size, size),
            "times": clip_times([float(t) for t in range(T)], self.config),
        }
        if source.task == "grounding":
            item["inside"] = torch.zeros(T)
        if source.task == "localization":
            item["inside"] = torch.zeros(T, num_texts)
        if source.task in ("instances", "referring"):
            item["mask"] = torch.full((T, size, size), NOTHING)
        return item


def collated(items: Sequence[Item]) -> dict[str, Any]:
    """Stacks samples of one micro-batch.

    A rejected one does not count (`valid`), nor one that fills up the last batch in measuring.
    """
    kept = {name: items[0][name] for name in ("task", "texts")}
    tensors = {
        name: torch.stack([item[name] for item in items])
        for name, value in items[0].items()
        if isinstance(value, Tensor)
    }
    rejected = [item["rejected"] for item in items if item["rejected"] is not None]
    return {
        **kept,
        **tensors,
        "valid": torch.tensor(
            [item["rejected"] is None and not item["repeated"] for item in items]
        ),
        "quarantined": [vars(one) for one in rejected],
        "num_samples": len(items),
    }


def _increasing(seconds: Sequence[float]) -> list[float]:
    """Times that never repeat: a frame seen twice is a moment later the second time."""
    found: list[float] = []
    for second in seconds:
        found.append(max(second, found[-1] + 1e-3) if found else second)
    return found


def _inside(second: float, windows: Sequence[tuple[float, float]]) -> float:
    return float(any(start <= second < end for start, end in windows))


def _classes(second: float, one: Localized, texts: Sequence[str]) -> list[float]:
    here = {s.label for s in one.segments if s.start <= second < s.end}
    return [float(text in here) for text in texts]


def _number(name: str, texts: Sequence[str]) -> int:
    return texts.index(name) if name in texts else NOTHING


def _resized(mask: np.ndarray, size: int) -> np.ndarray:
    """Returns the nearest pixels of a mask [H, W] as a square, as the frame is squeezed."""
    H, W = mask.shape
    rows = ((np.arange(size) + 0.5) * H / size).astype(int)
    columns = ((np.arange(size) + 0.5) * W / size).astype(int)
    return mask[rows[:, None], columns]
