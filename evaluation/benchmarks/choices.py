"""Shared code of multiple-choice benchmarks: extraction modes, prompts, the format of options."""

from collections.abc import Callable, Mapping, Sequence

from evaluation.answers.clean import clean_choice
from evaluation.answers.first_letter import (
    LONGVIDEOBENCH,
    VIDEO_MME,
    VLMEVALKIT,
    first_letter,
    xlsx_roundtrip,
)
from evaluation.answers.matching import lmms_option, vlmevalkit_option
from evaluation.answers.ranked import ranked_letter, strip_reasoning
from evaluation.benchmarks.base import Benchmark
from evaluation.runs.log import LogRow

LETTERS = "ABCDEFGHIJ"
DIRECTLY = "Answer with the option's letter from the given choices directly."
Reader = Callable[[LogRow, str], str | None]


def letters(row: LogRow) -> str:
    return LETTERS[: len(row["options"])]


def options_by_letter(row: LogRow) -> dict[str, str]:
    """Returns letter -> option text."""
    return dict(zip(letters(row), row["options"], strict=True))


def clean(row: LogRow, raw: str) -> str | None:
    return clean_choice(raw, row["options"])


def video_mme(row: LogRow, raw: str) -> str | None:
    return first_letter(raw, VIDEO_MME, letters(row))


def longvideobench(row: LogRow, raw: str) -> str | None:
    return first_letter(raw, LONGVIDEOBENCH, "ABCDE")


def ranked(row: LogRow, raw: str) -> str | None:
    return ranked_letter(strip_reasoning(raw), letters(row))


def ranked_abcd(row: LogRow, raw: str) -> str | None:
    return ranked_letter(strip_reasoning(raw), "ABCD")


def vlmevalkit_letter(row: LogRow, raw: str) -> str | None:
    """VLMEvalKit's rule for videos, without its option matching, which gets no options there."""
    return first_letter(xlsx_roundtrip(raw), VLMEVALKIT, letters(row))


def vlmevalkit_letter_to_e(row: LogRow, raw: str) -> str | None:
    """VLMEvalKit's rule for LongVideoBench: A to E, however many options a question has."""
    return first_letter(xlsx_roundtrip(raw), VLMEVALKIT, "ABCDE")


def vlmevalkit_match(row: LogRow, raw: str) -> str | None:
    return vlmevalkit_option(xlsx_roundtrip(raw), options_by_letter(row))


def lmms_match(row: LogRow, raw: str) -> str | None:
    """lmms-eval's "static" mode for MMBench: its own matcher, then the ranked one."""
    options = options_by_letter(row)
    raw = strip_reasoning(raw)
    return lmms_option(raw, options) or ranked_letter(raw, list(options)[:4])


class ChoiceBenchmark(Benchmark):
    """A benchmark scored by letter. Unanswered counts as wrong, except in modes that drop it."""

    metric = "accuracy"
    readers: Mapping[str, Reader]
    drops_unanswered: frozenset[str] = frozenset()

    @property
    def modes(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.readers)

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        return self.readers[mode](row, raw or "")

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if not row["targets"] or (answer is None and mode in self.drops_unanswered):
            return None
        return float(answer in row["targets"])


def dotted(options: Sequence[str]) -> str:
    """Formats options as "A. red", one per line."""
    return "\n".join(f"{letter}. {o}" for letter, o in zip(LETTERS, options, strict=False))


def bracketed(options: Sequence[str]) -> str:
    """Formats options as "(A) red", one per line."""
    return "\n".join(f"({letter}) {o}" for letter, o in zip(LETTERS, options, strict=False))


def vlmevalkit_prompt(question: str, choices: list[str], hint: str | None = None) -> str:
    """VLMEvalKit's prompt for multiple-choice questions about images."""
    hinted = f"Hint: {hint}\n" if hint else ""
    return (
        f"{hinted}Question: {question}\nOptions:\n{dotted(choices)}\n"
        "Please select the correct answer from the options above. \n"
    )


def mean_score(rows: Sequence[LogRow], mode: str) -> float | None:
    """Returns the plain mean of the scores in one mode, or None if no row has one."""
    scores = [row["score"][mode] for row in rows if (row["score"] or {}).get(mode) is not None]
    return sum(scores) / len(scores) if scores else None
