"""One set of a run: its annotations, its task, and the texts of a micro-batch."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.tasks.annotations import (
    Captioned,
    Grounded,
    Localized,
    Recognition,
    Segmented,
    TaskSet,
)
from data.tasks.splits import drawn_classes, drawn_clips, unseen_classes
from data.tasks.table import TASK_SETS, read_set
from training.encoders.recipe import TaskSource
from vlm.heads.video_text import Task
from vlm.unknown_name import did_you_mean

MOST_MASK_CLASSES = 100  # that a pixel is compared with, as in StreamFormer


@dataclass(frozen=True)
class Source:
    """The annotations of one split, and what is learned from them."""

    name: str
    task: Task
    annotations: Sequence[Any]
    classes: tuple[str, ...]

    def limited(self, most: int) -> "Source":
        """Returns the first `most` annotations; 0: all."""
        return replace(self, annotations=self.annotations[:most]) if most else self

    def only(self, classes: Sequence[str]) -> "Source":
        """The annotations in which something of these classes is; all else is left out of them.

        Raises ValueError if none is left.
        """
        kept = [_of_classes(one, set(classes)) for one in self.annotations]
        left = [one for one in kept if labels(one)]
        if not left:
            raise ValueError(f"{self.name} has nothing of the {len(classes)} classes of this half")
        return replace(self, annotations=left, classes=tuple(classes))

    def texts(self, samples: Sequence[int], rng: random.Random, most: int) -> tuple[str, ...]:
        """What these samples are compared with, in an order of their own.

        Of classes: all, or those of the samples and random others up to `most`. Of sentences: one
        of each sample, equal ones once.
        """
        if self.classes and self.task not in ("retrieval", "grounding", "referring"):
            limit = min(most, MOST_MASK_CLASSES) if self.task == "instances" else most
            return self._classes(samples, rng, limit)
        return tuple(dict.fromkeys(self.sentence(k, rng) for k in samples))

    def sentence(self, sample: int, rng: random.Random) -> str:
        """Returns the text of a sample, one of several at random."""
        one = self.annotations[sample]
        return rng.choice(one.texts) if isinstance(one, Captioned) else str(one.text)

    def _classes(self, samples: Sequence[int], rng: random.Random, most: int) -> tuple[str, ...]:
        if len(self.classes) <= most:
            return self.classes
        own = list(dict.fromkeys(name for k in samples for name in labels(self.annotations[k])))
        others = [name for name in self.classes if name not in set(own)]
        return tuple(own + rng.sample(others, max(0, most - len(own))))


def labels(one: Recognition | Localized | Segmented) -> list[str]:
    """Returns the class names of an annotation, each once."""
    if isinstance(one, Recognition):
        return [one.label] if one.label else []
    if isinstance(one, Localized):
        return list(dict.fromkeys(segment.label for segment in one.segments))
    return list(dict.fromkeys(track.category for track in one.objects if track.category))


def _of_classes(one: Any, classes: set[str]) -> Any:
    """Returns an annotation without what is of other classes."""
    if isinstance(one, Localized):
        return replace(one, segments=tuple(s for s in one.segments if s.label in classes))
    if isinstance(one, Segmented):
        return replace(one, objects=tuple(o for o in one.objects if o.category in classes))
    return one if one.label in classes else replace(one, label="")


def read_source(given: TaskSource, held: bool) -> Source:
    """Reads one set of a recipe; ValueError, one sentence, for what is wrong with it."""
    if given.set not in TASK_SETS:
        near = did_you_mean(given.set, TASK_SETS)
        raise ValueError(f"no data set {given.set!r}; there are {', '.join(TASK_SETS)}{near}")
    split = split_of(given, held)
    found = read_set(given.set, Path(given.folder).expanduser(), split)
    source = Source(given.set, _task(found), found.annotations, found.classes)
    source = few_shots(source, given, held)
    if given.zero_shot is None:
        return source
    if source.task not in ("recognition", "localization", "instances"):
        raise ValueError(f"`zero_shot` leaves classes out, and {given.set} has sentences")
    unseen = set(unseen_classes(len(source.classes), given.zero_shot))
    return source.only([name for k, name in enumerate(source.classes) if (k in unseen) == held])


def few_shots(source: Source, given: TaskSource, held: bool) -> Source:
    """The clips of a few-shot draw: all of its classes, or the shots that are trained on."""
    if not given.shots and not given.ways:
        return source
    if source.task != "recognition":
        raise ValueError(f"`shots` and `ways` are of recognition, not of {source.task}")
    if given.ways:
        drawn = drawn_classes(len(source.classes), given.ways, given.draw)
        source = source.only([source.classes[k] for k in drawn])
    if held or not given.shots:
        return source
    chosen = drawn_clips([one.label for one in source.annotations], given.shots, given.draw)
    return replace(source, annotations=[source.annotations[k] for k in chosen])


def split_of(given: TaskSource, held: bool) -> str:
    """The split that is trained on or held out: those of the papers unless the recipe names it."""
    facts = TASK_SETS[given.set]
    return (given.held_split or facts.test) if held else (given.split or facts.train)


def annotation_files(given: TaskSource) -> list[Path]:
    """Returns the files that a resumed run compares."""
    folder = Path(given.folder).expanduser()
    splits = dict.fromkeys(split_of(given, held) for held in (False, True))
    return [path for split in splits for path in TASK_SETS[given.set].files(folder, split)]


def _task(found: TaskSet[Any]) -> Task:
    first = found.annotations[0]
    if isinstance(first, Segmented):
        return "referring" if first.text else "instances"
    kinds: dict[type, Task] = {
        Recognition: "recognition",
        Captioned: "retrieval",
        Localized: "localization",
        Grounded: "grounding",
    }
    return kinds[type(first)]
