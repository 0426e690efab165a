"""Which record is seen when: weighted sources, shuffled, batches of about equal length.

The whole order of a run follows from the seed and is known before it starts, so a run that is
resumed goes on where it was by counting. It is held as numbers, 12 bytes a sample and 8 a record.
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

GROUP = 16  # batches whose records are sorted by length together


@dataclass(frozen=True, eq=False)
class SampleOrder:
    """Samples one after the other: from which source, and the how manyth from there."""

    sources: NDArray[np.int32]  # [n]
    ordinals: NDArray[np.int64]  # [n]
    counts: NDArray[np.int64]  # of samples, by source

    def __len__(self) -> int:
        return len(self.sources)


def draw_order(weights: Sequence[float], num_samples: int, seed: int) -> SampleOrder:
    """`num_samples` from weighted sources; each gives its share exactly, to within one."""
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
    """The places of some samples, such that batches in a row hold samples of about one length.

    `start` is the place of the first of them in the run.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    num_whole = len(order) // batch_size
    whole = order[: num_whole * batch_size].reshape(num_whole, batch_size)
    shuffled = whole[permutation(num_whole, seed, "batches", start)].ravel()
    return np.concatenate([shuffled, order[num_whole * batch_size :]])


class Mixture(RecordSequence):
    """The records of a run in their order, each read when it is asked for.

    A file is shuffled, and shuffled anew when it runs out; a stream comes in its own order. With a
    batch size, records of about equal length are brought together, window by window. A mixture
    longer than its order goes through it again, each source going on where it was.
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
                raise ValueError(f"{source.path}: has a weight but no records")
        self.sources = sources
        self.order = order
        self.batch_size = batch_size
        self.seed = seed
        self.length = len(order) if length is None else length
        self._window = (-1, np.empty(0, np.int64))  # the last one used, and its order
        self._shuffled: dict[int, tuple[int, NDArray[np.int64]]] = {}  # source: turn, its order

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> Record:
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
        return self._drawn(index)

    def _drawn(self, index: int) -> tuple[int, int]:
        """The same before lengths are looked at."""
        lap, place = divmod(index, len(self.order))
        position = int(self.order.sources[place])
        ordinal = int(self.order.ordinals[place]) + lap * int(self.order.counts[position])
        source = self.sources[position]
        if isinstance(source, ShardStream):
            return position, ordinal
        turn, ordinal = divmod(ordinal, len(source))
        return position, int(self._turn(position, turn)[ordinal])

    def _turn(self, position: int, turn: int) -> NDArray[np.int64]:
        """The order in which a file is gone through for the how manyth time."""
        known = self._shuffled.get(position)
        if known is None or known[0] != turn:
            size = len(self.sources[position])  # type: ignore[arg-type]  # a file
            known = (turn, permutation(size, self.seed, "source", position, turn))
            self._shuffled[position] = known
        return known[1]

    def _group(self, start: int, size: int) -> NDArray[np.int64]:
        found = [self._drawn(index) for index in range(start, min(start + size, len(self)))]
        lengths = [self.sources[source].rough_length(index) for source, index in found]
        return start + group_by_length(lengths, self.batch_size, self.seed, start)

    def each(self) -> Iterator[Record]:
        """The records that are seen at all, each once, without the lines that are none."""
        for position, source in enumerate(self.sources):
            if not isinstance(source, RecordFile):
                raise ValueError(f"{source.path}: what a stream holds is not known beforehand")
            if not self.order.counts[position]:
                continue
            for index in np.sort(self._turn(position, 0)[: self.order.counts[position]]):
                with suppress(RecordError):
                    yield source[int(index)]
