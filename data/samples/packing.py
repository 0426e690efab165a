"""Packing: rows of L tokens filled with whole samples, so that hardly anything is padded.

    lengths -> pack -> rows of samples -> Collator -> input_ids [B, L], position_ids [B, L]

Positions start again at 0 with every sample, and the padding at the end of a row counts as one more
sample. From that, with no attention mask given, transformers (`masking_utils`) and flash attention
know the samples apart: none sees another. Which samples share a row follows from their lengths,
which are known before anything is decoded, so a run is resumed by counting rows.

A sample longer than a row is refused by name; its media are not cut.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from data.samples.dataset import RecordDataset, RejectedSample, Sample
from data.sources.shuffle import permutation

WINDOW = 1024  # samples among which those that fill a row are looked for


@dataclass(frozen=True)
class PackedRow:
    """The samples of one row."""

    samples: Sequence[Sample | RejectedSample]
    num_tokens: int  # L, what the row holds


def pack(lengths: Iterable[int], row: int, seed: int = 0) -> Iterator[list[int]]:
    """The places of the samples of each row; samples of length 0 are left out.

    Best fit, longest first, within windows of the order; the emptiest row of a window is taken
    apart again and joins the next. Rows of a window come in an order that follows from the seed.
    """
    samples = ((length, place) for place, length in enumerate(lengths) if length)
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
            yield sorted(place for _, place in rows[index])
        if not window:
            return


def _best_fit(samples: list[tuple[int, int]], row: int) -> list[list[tuple[int, int]]]:
    """(length, place) -> rows; each sample goes where it leaves least room."""
    rows: list[list[tuple[int, int]]] = []
    free: list[tuple[int, int]] = []  # (room left, row), in order
    for length, place in sorted(samples, key=lambda sample: (-sample[0], sample[1])):
        assert length <= row, "samples longer than a row are refused before"
        at = bisect_left(free, (length, -1))
        if at < len(free):
            room, index = free.pop(at)
        else:
            room, index = row, len(rows)
            rows.append([])
        rows[index].append((length, place))
        insort(free, (room - length, index))
    return rows


@dataclass(frozen=True, eq=False)
class PlannedRows:
    """Rows of samples as numbers: the places of row r are places[starts[r]:starts[r + 1]]."""

    places: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]  # of the samples by place, as they were planned
    num_tokens: int  # L

    @classmethod
    def of(cls, lengths: NDArray[np.int32], num_tokens: int, seed: int) -> "PlannedRows":
        """Pack samples of these lengths; 0 stands for one that is left out."""
        rows = list(pack(lengths.tolist(), num_tokens, seed))
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        places = np.array([place for row in rows for place in row], np.int64)
        return cls(places, starts, lengths, num_tokens)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        return self.places[self.starts[row] : self.starts[row + 1]]

    def first(self, num_rows: int) -> "PlannedRows":
        """The first rows alone."""
        return PlannedRows(self.places, self.starts[: num_rows + 1], self.lengths, self.num_tokens)

    @property
    def padding_share(self) -> float:
        """The share of all places in rows that holds no token of a sample, 0 to 1."""
        used = self.lengths[self.places[: self.starts[-1]]].sum(dtype=np.int64)
        return 1.0 - float(used) / max(1, len(self) * self.num_tokens)


class StreamedRows:
    """Rows of samples whose lengths are asked for as they come: nothing is known beforehand.

    `length_of` gives a sample's length, or says why it cannot be packed. Row n is found by packing
    from where the last one was; going back costs a new start.
    """

    padding_share = None  # not known before

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
        self.lengths: dict[int, int] = {}  # of samples that are in the present window or row
        self._next = 0
        self._found: list[RejectedSample] = []  # since the last row
        self._row: tuple[NDArray[np.int64], list[RejectedSample]] = (np.empty(0, np.int64), [])
        self._rows = pack(map(self._length, range(self.num_samples)), self.num_tokens, self.seed)

    def _length(self, place: int) -> int:
        length = self.length_of(place)
        if isinstance(length, RejectedSample):
            self._found.append(length)
            return 0
        self.lengths[place] = length
        self.lengths.pop(place - 4 * WINDOW, None)
        return length

    def __len__(self) -> int:
        return self.num_rows

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        """The places of a row's samples."""
        return self._go_to(row)[0]

    def refused(self, row: int) -> list[RejectedSample]:
        """What was found not to fit on the way to this row."""
        return self._go_to(row)[1]

    def _go_to(self, row: int) -> tuple[NDArray[np.int64], list[RejectedSample]]:
        if row < self._next - 1:
            self._restart()
        while self._next <= row:
            places = np.array(next(self._rows), np.int64)
            self._row, self._found = (places, self._found), []
            self._next += 1
        return self._row

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rows": None, "_next": 2**62}  # a copy starts anew


@dataclass(eq=False)
class PackedDataset(Dataset[PackedRow]):
    """Rows of samples, each read when it is asked for."""

    samples: RecordDataset
    rows: PlannedRows | StreamedRows
    refused: list[RejectedSample] = field(
        default_factory=list
    )  # before the run: too long, not measurable

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> PackedRow:
        found: list[Sample | RejectedSample] = [
            self._sample(int(place)) for place in self.rows[index]
        ]
        if isinstance(self.rows, StreamedRows):
            found += self.rows.refused(index)
        return PackedRow(found, self.rows.num_tokens)

    def _sample(self, place: int) -> Sample | RejectedSample:
        sample = self.samples[place]
        if isinstance(sample, RejectedSample):
            return sample
        length, planned = len(sample.rendered.ids), int(self.rows.lengths[place])
        if length > planned:
            reason = f"has {length:,} tokens where its media's headers promised {planned:,}"
            return RejectedSample(place, self.samples.where(place), reason)
        return sample

    @property
    def padding_share(self) -> float | None:
        """As planned, 0 to 1; None where that is not known before the run."""
        return self.rows.padding_share

    def ids(self, words: Sequence[str]) -> list[int]:
        return self.samples.ids(words)

    def vocabulary(self) -> list[int]:
        return self.samples.vocabulary()
