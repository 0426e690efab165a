"""The order of a run's records: weighted sources, shuffled, in batches of about equal length.

The seed determines the whole order before the run starts, so a resumed run continues by counting
samples. The order takes 12 bytes per sample and 8 per record.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import Record, RecordError
from data.sources.record_file import RecordFile, RecordSequence
from data.sources.shards import ShardStream
from data.sources.shuffle import permutation

GROUP = 16  # batches whose records are sorted by length at a time


@dataclass(frozen=True, eq=False)
class SampleOrder:
    """The samples of a run in order: for each, its source and its ordinal within that source."""

    sources: NDArray[np.int32]  # [n]
    ordinals: NDArray[np.int64]  # [n]
    counts: NDArray[np.int64]  # samples per source

    def __len__(self) -> int:
        return len(self.sources)


def draw_order(weights: Sequence[float], num_samples: int, seed: int) -> SampleOrder:
    """Draws `num_samples` from weighted sources; each share is exact to within one sample."""
    total = sum(weights)
    if total <= 0:
        raise ValueError("at least one source needs a weight above zero")
    bounds = np.rint(np.cumsum([0.0, *weights]) / total * num_samples).astype(np.int64)
    counts = np.diff(bounds)
    sources = np.repeat(np.arange(len(weights), dtype=np.int32), counts)
    sources = sources[permutation(num_samples, seed, "order")]
    ordinals = np.empty(num_samples, np.int64)
    for position, count in enumerate(counts.tolist()):
        ordinals[sources == position] = np.arange(count)
    return SampleOrder(sources, ordinals, counts)


def group_by_length(
    lengths: Sequence[int], batch_size: int, seed: int, start: int = 0
) -> NDArray[np.int64]:
    """Orders samples so that consecutive batches contain samples of about equal length.

    `start` is the position of the first sample in the run.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    num_whole = len(order) // batch_size
    whole = order[: num_whole * batch_size].reshape(num_whole, batch_size)
    shuffled = whole[permutation(num_whole, seed, "batches", start)].ravel()
    return np.concatenate([shuffled, order[num_whole * batch_size :]])


class Mixture(RecordSequence):
    """The records of a run in order, each read when it is indexed.

    A file is shuffled again for every epoch; a stream keeps its own order. With a batch size,
    records are grouped by length within windows. A mixture longer than its order repeats the order,
    and each source continues where it stopped.
    """

    def __init__(
        self,
        sources: Sequence[RecordFile | ShardStream],
        order: SampleOrder,
        batch_size: int = 0,
        seed: int = 0,
        length: int | None = None,
    ) -> None:
        for position, source in enumerate(sources):
            if order.counts[position] and isinstance(source, RecordFile) and not len(source):
                raise ValueError(
                    f"{source.path}: has a weight but no records; add some, or set it to 0"
                )
        self.sources = sources
        self.order = order
        self.batch_size = batch_size
        self.seed = seed
        self.length = len(order) if length is None else length
        self._window = (-1, np.empty(0, np.int64))  # number of the last window, and its order
        self._shuffled: dict[int, tuple[int, NDArray[np.int64]]] = {}  # source -> epoch, its order

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> Record:
        if not 0 <= index < len(self):
            raise IndexError(index)
        source, its_index = self.find(index)
        return self.sources[source][its_index]

    def where(self, index: int) -> str:
        source, its_index = self.find(index)
        return self.sources[source].where(its_index)

    def find(self, index: int) -> tuple[int, int]:
        """Returns the source of a sample and the record's index in that source."""
        if self.batch_size:
            size = self.batch_size * GROUP
            number = index // size
            if self._window[0] != number:
                self._window = (number, self._group(number * size, size))
            index = int(self._window[1][index % size])
        return self._drawn(index)

    def _drawn(self, index: int) -> tuple[int, int]:
        """As `find`, before grouping by length."""
        lap, position = divmod(index, len(self.order))
        number = int(self.order.sources[position])
        ordinal = int(self.order.ordinals[position]) + lap * int(self.order.counts[number])
        source = self.sources[number]
        if isinstance(source, ShardStream):
            return number, ordinal
        epoch, ordinal = divmod(ordinal, len(source))
        return number, int(self._epoch_order(number, epoch)[ordinal])

    def _epoch_order(self, source: int, epoch: int) -> NDArray[np.int64]:
        """Returns the shuffle order of one epoch over a file."""
        known = self._shuffled.get(source)
        if known is None or known[0] != epoch:
            size = len(self.sources[source])  # type: ignore[arg-type]  # a file
            known = (epoch, permutation(size, self.seed, "source", source, epoch))
            self._shuffled[source] = known
        return known[1]

    def _group(self, start: int, size: int) -> NDArray[np.int64]:
        found = [self._drawn(index) for index in range(start, min(start + size, len(self)))]
        lengths = [self.sources[source].rough_length(index) for source, index in found]
        return start + group_by_length(lengths, self.batch_size, self.seed, start)

    def distinct_records(self) -> Iterator[Record]:
        """Yields each record that occurs in the run once; skips invalid lines."""
        for position, source in enumerate(self.sources):
            if not isinstance(source, RecordFile):
                raise ValueError(f"{source.path}: the records of a stream are not known in advance")
            if not self.order.counts[position]:
                continue
            for index in np.sort(self._epoch_order(position, 0)[: self.order.counts[position]]):
                with suppress(RecordError):
                    yield source[int(index)]
