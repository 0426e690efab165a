"""What the benchmarks of an encoder's tasks share: a data set's reader, and answers in JSON.

An encoder answers with numbers, not with words. The raw answer in the log is a JSON object of them,
so that every metric is computed again from the log alone. Its arrays are float32 in base64.
"""

import base64
import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data.tasks.table import TASK_SETS
from evaluation.benchmarks.base import Benchmark, MediaPart, Options, Question


class TaskBenchmark(Benchmark):
    """One data set, by its name in `data.tasks.table`; asks only encoders (`run --encoder`)."""

    encoder_task: ClassVar[str]  # the head that answers
    has_views = False  # whether several clips and crops of a video are averaged

    def __init__(self, name: str) -> None:
        self.name = name
        self.set = TASK_SETS[name]
        self.title = self.set.title
        self.needs = f"{self.set.needs} (toy sets: python -m data.tasks DIR)"
        others = tuple(split for split in self.set.splits if split != self.set.test)
        self.splits = (self.set.test, *others)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        return self.set.files(folder, self.split(options))

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        found = self.set.read(folder, self.split(options))
        for one in found.annotations:
            yield self.question(one, found.classes)

    def classes(self, folder: Path, options: Options) -> tuple[str, ...]:
        """Returns the class names of the set, which the encoder is given; () for sentences."""
        return self.set.read(folder, self.split(options)).classes

    @abstractmethod
    def question(self, one: Any, classes: Sequence[str]) -> Question:
        """Converts an annotation."""

    def shown(self, raw: str) -> str:
        """Returns an answer for a reader: without its arrays."""
        found = answer_of(raw)
        return json.dumps({k: v for k, v in found.items() if not isinstance(v, str)})


def answer_of(raw: str) -> dict[str, Any]:
    """Returns the numbers of a raw answer."""
    return json.loads(raw)


def pack_array(values: NDArray[Any]) -> str:
    """Packs an array of any shape, which the reader has to know, as float32 in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def unpack_array(text: str, columns: int | None = None) -> NDArray[np.float32]:
    """Returns an array [N], or of rows of `columns` numbers."""
    flat = np.frombuffer(base64.b64decode(text), dtype="<f4")
    return flat if columns is None else flat.reshape(-1, columns)


def clip_of(one: Any) -> MediaPart:
    """Returns the video of an annotation, or the part of it that is annotated."""
    start, end = getattr(one, "start", None), getattr(one, "end", None)
    return MediaPart("video", one.video, start=start, end=end)


def group_of(one: Any) -> str:
    """Returns the source video: the cluster of the error bars."""
    return getattr(one, "group", "") or one.video.name
