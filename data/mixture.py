"""Which record is seen when: weighted sources, shuffled, batches of about equal length.

The whole order of a run follows from the seed and is known before it starts, so a run that is
resumed goes on where it was by counting. It is held as numbers, 12 bytes a sample.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from data.record_file import RecordFile
from data.records import Record, RecordError
from data.shards import ShardStream
from data.shuffle import permutation

GROUP = 16  # batches whose records are sorted by length together


@dataclass(frozen=True, eq=False)
class Order:
    """The samples of a run, one after the other: from which source, and which record of it."""

    sources: NDArray[np.int32]  # [n]
    indices: NDArray[np.int64]  # [n]

    def __len__(self) -> int:
        return len(self.sources)


def draw(
    sizes: Sequence[int | None], weights: Sequence[float], num_samples: int, seed: int
) -> Order:
    """`num_samples` from sources of these sizes; each gives its share exactly, to within one.

    A source that runs out is shuffled anew and starts over. One without a size is a stream: its
    records come in their own order.
    """
    total = sum(weights)
    if total <= 0:
        raise ValueError("at least one source needs a weight above zero")
    for position, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
        if weight > 0 and size == 0:
            raise ValueError(f"source {position + 1} has a weight but no records")
    bounds = np.rint(np.cumsum([0.0, *weights]) / total * num_samples).astype(np.int64)
    counts = np.diff(bounds)
    sources = np.repeat(np.arange(len(sizes), dtype=np.int32), counts)
    sources = sources[permutation(num_samples, seed, "order")]
    indices = np.empty(num_samples, np.int64)
    for position, (size, count) in enumerate(zip(sizes, counts.tolist(), strict=True)):
        if size is None:
            mine = np.arange(count)
        else:
            turns = range(-(-count // size)) if count else range(0)
            orders = [permutation(size, seed, "source", position, turn) for turn in turns]
            mine = np.concatenate([np.empty(0, np.int64), *orders])[:count]
        indices[sources == position] = mine
    return Order(sources, indices)


def group_by_length(
    lengths: Sequence[int], batch_size: int, seed: int, start: int = 0
) -> NDArray[np.int64]:
    """The places of some samples, such that batches in a row hold samples of about one length.

    `start` is the place of the first of them in the run.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    num_whole = len(order) // batch_size
    whole = order[: num_whole * batch_size].reshape(num_whole, batch_size)
    shuffled = whole[permutation(num_whole, seed, "batches", start)].ravel()
    return np.concatenate([shuffled, order[num_whole * batch_size :]])


class Mixture(Sequence[Record]):
    """The records of a run in their order, each read when it is asked for.

    With a batch size, those of about equal length are brought together, window by window.
    """

    def __init__(
        self,
        sources: Sequence[RecordFile | ShardStream],
        order: Order,
        batch_size: int = 0,
        seed: int = 0,
    ) -> None:
        self.sources = sources
        self.order = order
        self.batch_size = batch_size
        self.seed = seed
        self._window = (-1, np.empty(0, np.int64))  # the last one used, and its order

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        source, its_index = self.find(index)
        return self.sources[source][its_index]

    def where(self, index: int) -> str:
        """The file and line of a sample."""
        source, its_index = self.find(index)
        return self.sources[source].where(its_index)

    def find(self, index: int) -> tuple[int, int]:
        """The source of a sample, and which of its records it is."""
        if self.batch_size:
            size = self.batch_size * GROUP
            number = index // size
            if self._window[0] != number:
                self._window = (number, self._group(number * size, size))
            index = int(self._window[1][index % size])
        return int(self.order.sources[index]), int(self.order.indices[index])

    def _group(self, start: int, size: int) -> NDArray[np.int64]:
        places = range(start, min(start + size, len(self)))
        lengths = [
            self.sources[self.order.sources[place]].rough_length(int(self.order.indices[place]))
            for place in places
        ]
        return start + group_by_length(lengths, self.batch_size, self.seed, start)

    def each(self) -> Iterator[Record]:
        """The records that are seen at all, each once, without the lines that are none."""
        for position, source in enumerate(self.sources):
            if not isinstance(source, RecordFile):
                raise ValueError(f"{source.path}: what a stream holds is not known beforehand")
            for index in np.unique(self.order.indices[self.order.sources == position]):
                with suppress(RecordError):
                    yield source[int(index)]
