"""Packing: fills rows of L tokens with whole samples, so that there is hardly any padding.

    lengths -> pack -> rows of samples -> Collator -> input_ids [B, L], position_ids [B, L]

Positions restart at 0 with every sample, and the padding at the end of a row counts as one more
sample. Without an attention mask, transformers (`masking_utils`) and flash attention derive the
sample boundaries from the positions: no sample attends to another. The lengths, known before
anything is decoded, determine which samples share a row, so a run is resumed by counting rows.

A sample longer than a row is rejected by name; its media are never cut.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from data.records import Record
from data.samples.dataset import RecordDataset, RejectedSample, Sample, TargetMaker
from data.sources.shuffle import permutation

WINDOW = 1024  # samples that are packed together


@dataclass(frozen=True)
class PackedRow:
    """The samples of one row."""

    samples: Sequence[Sample | RejectedSample]
    num_tokens: int  # L, the length of the row


def pack(lengths: Iterable[int], row: int, seed: int = 0) -> Iterator[list[int]]:
    """Yields the positions of the samples of each row; skips samples of length 0.

    Best fit, longest first, within windows of the order. The emptiest row of a window is taken
    apart again and joins the next window. The seed determines the order of the rows of a window.
    """
    samples = ((length, position) for position, length in enumerate(lengths) if length)
    carried: list[tuple[int, int]] = []
    for number in range(1, 2**62):
        window = list(islice(samples, WINDOW))
        rows = _best_fit(carried + window, row)
        if not rows:
            return
        carried = []
        if len(window) == WINDOW and len(rows) > 1:
            emptiest = min(range(len(rows)), key=lambda i: sum(n for n, _ in rows[i]))
            carried = rows.pop(emptiest)
        for index in permutation(len(rows), seed, "rows", number):
            yield sorted(position for _, position in rows[index])
        if not window:
            return


def _best_fit(samples: list[tuple[int, int]], row: int) -> list[list[tuple[int, int]]]:
    """Packs (length, position) pairs; each sample goes where it leaves the least room."""
    rows: list[list[tuple[int, int]]] = []
    free: list[tuple[int, int]] = []  # (room left, row), sorted
    for length, position in sorted(samples, key=lambda sample: (-sample[0], sample[1])):
        assert length <= row, "longer samples are rejected before packing"
        at = bisect_left(free, (length, -1))
        if at < len(free):
            room, index = free.pop(at)
        else:
            room, index = row, len(rows)
            rows.append([])
        rows[index].append((length, position))
        insort(free, (room - length, index))
    return rows


@dataclass(frozen=True, eq=False)
class PlannedRows:
    """Rows as arrays: row r has the samples positions[starts[r]:starts[r + 1]]."""

    positions: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]  # planned length per sample position
    num_tokens: int  # L

    @classmethod
    def of(cls, lengths: NDArray[np.int32], num_tokens: int, seed: int) -> "PlannedRows":
        """Packs samples of these lengths; skips samples of length 0."""
        rows = list(pack(lengths.tolist(), num_tokens, seed))
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        positions = np.array([position for row in rows for position in row], np.int64)
        return cls(positions, starts, lengths, num_tokens)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        return self.positions[self.starts[row] : self.starts[row + 1]]

    def first(self, num_rows: int) -> "PlannedRows":
        """Returns only the first rows."""
        return PlannedRows(
            self.positions, self.starts[: num_rows + 1], self.lengths, self.num_tokens
        )

    @property
    def padding_share(self) -> float:
        """The share of padding among all tokens of the rows, 0 to 1."""
        used = self.lengths[self.positions[: self.starts[-1]]].sum(dtype=np.int64)
        return 1.0 - float(used) / max(1, len(self) * self.num_tokens)


class StreamedRows:
    """Rows of a stream, whose lengths are only known as its samples are read.

    `length_of` returns a sample's length, or the reason why it cannot be packed. Finding row n
    packs on from the last row; going back restarts the stream.
    """

    padding_share = None  # unknown before the run

    def __init__(
        self,
        length_of: Callable[[int], "int | RejectedSample"],
        num_samples: int,
        num_rows: int,
        num_tokens: int,
        seed: int,
    ) -> None:
        self.length_of = length_of
        self.num_samples = num_samples
        self.num_rows = num_rows
        self.num_tokens = num_tokens
        self.seed = seed
        self._restart()

    def _restart(self) -> None:
        self.lengths: dict[int, int] = {}  # of the samples in the current window or row
        self._next = 0
        self._found: list[RejectedSample] = []  # since the last row
        self._row: tuple[NDArray[np.int64], list[RejectedSample]] = (np.empty(0, np.int64), [])
        self._rows = pack(map(self._length, range(self.num_samples)), self.num_tokens, self.seed)

    def _length(self, position: int) -> int:
        length = self.length_of(position)
        if isinstance(length, RejectedSample):
            self._found.append(length)
            return 0
        self.lengths[position] = length
        self.lengths.pop(position - 4 * WINDOW, None)
        return length

    def __len__(self) -> int:
        return self.num_rows

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        """Returns the positions of a row's samples."""
        return self._go_to(row)[0]

    def rejected(self, row: int) -> list[RejectedSample]:
        """Returns the samples rejected between the previous row and this one."""
        return self._go_to(row)[1]

    def _go_to(self, row: int) -> tuple[NDArray[np.int64], list[RejectedSample]]:
        if row < self._next - 1:
            self._restart()
        while self._next <= row:
            positions = np.array(next(self._rows), np.int64)
            self._row, self._found = (positions, self._found), []
            self._next += 1
        return self._row

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rows": None, "_next": 2**62}  # a copy restarts


@dataclass(eq=False)
class PackedDataset(Dataset[PackedRow]):
    """Packed rows, each read when it is indexed."""

    samples: RecordDataset
    rows: PlannedRows | StreamedRows
    rejected: list[RejectedSample] = field(
        default_factory=list
    )  # before the run: too long, not measurable

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> PackedRow:
        found: list[Sample | RejectedSample] = [
            self._sample(int(position)) for position in self.rows[index]
        ]
        if isinstance(self.rows, StreamedRows):
            found += self.rows.rejected(index)
        return PackedRow(found, self.rows.num_tokens)

    def _sample(self, position: int) -> Sample | RejectedSample:
        sample = self.samples[position]
        if isinstance(sample, RejectedSample):
            return sample
        length, planned = len(sample.rendered.ids), int(self.rows.lengths[position])
        if length > planned:
            reason = f"has {length:,} tokens, but the headers of its media promised {planned:,}"
            return RejectedSample(position, self.samples.where(position), reason)
        return sample

    @property
    def num_planned(self) -> int:
        """The number of samples whose lengths were measured for this run; 0 for a stream."""
        return len(self.rows.lengths) if isinstance(self.rows, PlannedRows) else 0

    @property
    def padding_share(self) -> float | None:
        """The planned share of padding, 0 to 1; None if unknown before the run."""
        return self.rows.padding_share

    @property
    def targets(self) -> TargetMaker | None:
        return self.samples.targets

    def distinct_records(self) -> Iterator[Record]:
        """Yields every readable record at least once."""
        return self.samples.distinct_records()
