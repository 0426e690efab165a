"""What benchmarks with a short free answer share: each reading mode prepares, then measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.answers.first_letter import through_a_table
from evaluation.answers.ranked import without_reasoning
from evaluation.benchmarks.base import Benchmark, Row

WORD_OR_PHRASE = "Answer the question using a single word or phrase."


@dataclass(frozen=True)
class Reading:
    """How one harness takes an answer, and what it makes of it."""

    prepare: Callable[[str], str]
    measure: Callable[[str, Sequence[str], Row], float]


def as_it_is(raw: str) -> str:
    return raw


stripped = str.strip
lmms = without_reasoning  # it strips as well
table = through_a_table


class FreeBenchmark(Benchmark):
    """An empty answer is an answer: it is measured like any other."""

    readings: Mapping[str, Reading]

    @property
    def modes(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.readings)

    def read(self, row: Row, raw: str, mode: str) -> str | None:
        return self.readings[mode].prepare(raw or "")

    def score(self, row: Row, answer: str | None, mode: str) -> float | None:
        if not row["targets"]:
            return None
        return self.readings[mode].measure(answer or "", row["targets"], row)
