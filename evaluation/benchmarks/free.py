"""Shared code of benchmarks with short free-form answers: each mode prepares, then measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.answers.first_letter import xlsx_roundtrip
from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import Benchmark
from evaluation.runs.log import LogRow

WORD_OR_PHRASE = "Answer the question using a single word or phrase."


@dataclass(frozen=True)
class ScoringRule:
    """How one harness normalizes an answer and scores it."""

    prepare: Callable[[str], str]
    measure: Callable[[str, Sequence[str], LogRow], float]


def unchanged(raw: str) -> str:
    return raw


stripped = str.strip
lmms = strip_reasoning  # it also strips spaces
table = xlsx_roundtrip


class FreeBenchmark(Benchmark):
    """A benchmark of free-form answers. An empty answer is scored like any other."""

    scoring_rules: Mapping[str, ScoringRule]

    @property
    def modes(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.scoring_rules)

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        return self.scoring_rules[mode].prepare(raw or "")

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if not row["targets"]:
            return None
        return self.scoring_rules[mode].measure(answer or "", row["targets"], row)
