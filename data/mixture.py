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
from data.shuffle import permutation

GROUP = 16  # batches whose records are sorted by length together


@dataclass(frozen=True, eq=False)
class Order:
    """The samples of a run, one after the other: from which source, and which record of it."""

    sources: NDArray[np.int32]  # [n]
    indices: NDArray[np.int64]  # [n]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, places: NDArray[np.int64]) -> "Order":
        return Order(self.sources[places], self.indices[places])


def draw(sizes: Sequence[int], weights: Sequence[float], num_samples: int, seed: int) -> Order:
    """`num_samples` from sources of these sizes; each gives its share exactly, to within one.

    A source that runs out is shuffled anew and starts over.
    """
    total = sum(weights)
    if total <= 0:
        raise ValueError("at least one source needs a weight above zero")
    for position, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
        if weight > 0 and not size:
            raise ValueError(f"source {position + 1} has a weight but no records")
    bounds = np.rint(np.cumsum([0.0, *weights]) / total * num_samples).astype(np.int64)
    sources, indices = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for position, (size, count) in enumerate(zip(sizes, np.diff(bounds), strict=True)):
        if count:
            rounds = -(-int(count) // size)
            turns = [permutation(size, seed, "source", position, turn) for turn in range(rounds)]
            indices.append(np.concatenate(turns)[:count])
            sources.append(np.full(count, position, np.int32))
    shuffled = permutation(num_samples, seed, "order")
    return Order(np.concatenate(sources)[shuffled], np.concatenate(indices)[shuffled])


def group_by_length(lengths: NDArray[np.int32], batch_size: int, seed: int) -> NDArray[np.int64]:
    """The places of all samples, such that batches in a row hold samples of about one length."""
    ordered = [np.empty(0, np.int64)]
    for start in range(0, len(lengths), batch_size * GROUP):
        group = start + np.argsort(lengths[start : start + batch_size * GROUP], kind="stable")
        num_whole = len(group) // batch_size
        whole = group[: num_whole * batch_size].reshape(num_whole, batch_size)
        ordered.append(whole[permutation(num_whole, seed, "batches", start)].ravel())
        ordered.append(group[num_whole * batch_size :])
    return np.concatenate(ordered)


class Mixture(Sequence[Record]):
    """The records of a run in their order, each read when it is asked for."""

    def __init__(self, files: Sequence[RecordFile], order: Order) -> None:
        self.files = files
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.files[self.order.sources[index]][int(self.order.indices[index])]

    def where(self, index: int) -> str:
        """The file and line of a sample."""
        return self.files[self.order.sources[index]].where(int(self.order.indices[index]))

    def rough_lengths(self) -> NDArray[np.int32]:
        """About how many tokens each sample has: [n]."""
        lengths = np.zeros(len(self), np.int32)
        for position, file in enumerate(self.files):
            mine = self.order.sources == position
            lengths[mine] = file.rough_lengths[self.order.indices[mine]]
        return lengths

    def distinct(self) -> list[NDArray[np.int64]]:
        """Of each file the records that are seen at all, each once, in order."""
        return [
            np.unique(self.order.indices[self.order.sources == position])
            for position in range(len(self.files))
        ]

    def each(self) -> Iterator[Record]:
        """Those records, without the ones that are none."""
        for file, indices in zip(self.files, self.distinct(), strict=True):
            for index in indices:
                with suppress(RecordError):
                    yield file[int(index)]
