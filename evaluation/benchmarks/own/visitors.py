"""Questions about media of your own, answered as in the chat and graded by patterns.

A folder with `questions.json` (`evaluation.benchmarks.own.questions_file`) and its media. An answer
is right, honest ("I can't tell" where something could be told) or wrong; some wrong ones could do
harm. Where nothing can be told, or the thing is not there, the patterns of `right` are admissions.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from evaluation.answers.honest import is_honest
from evaluation.answers.patterns import PatternTimeoutError, matches_any, plain
from evaluation.benchmarks.base import Benchmark, MediaPart, Options, Question
from evaluation.benchmarks.own.grade_table import Graded, grade_table
from evaluation.benchmarks.own.questions_file import Entry, read_entries
from evaluation.runs.log import LogRow
from vlm.plural import plural

QUESTIONS = "questions.json"
Grade = Literal["right", "honest", "wrong"]


class Visitors(Benchmark):
    name = "visitors"
    title = "Visitors' questions"
    needs = f"{QUESTIONS} and its media; docs/evaluation.md describes the format"
    metric = "share"
    modes = ("right", "honest")  # "honest" accepts "I can't tell" where the file allows it
    max_new_tokens = 256
    as_in_chat = True
    shows_all = True

    def data_folder(self, sets: Path) -> Path:
        """Returns `sets` itself if it holds the questions."""
        return sets if (sets / QUESTIONS).is_file() else super().data_folder(sets)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        return [folder / QUESTIONS]

    def check_files(self, folder: Path, options: Options) -> None:
        """Also checks the questions: a model takes longer to load than they to be read."""
        super().check_files(folder, options)
        read_entries(folder / QUESTIONS)

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        found: dict[str, Question] = {}
        for entry in read_entries(folder / QUESTIONS):
            found[entry.id] = _question(folder, entry, found.get(entry.follows))
            yield found[entry.id]

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        return plain(raw) or None

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        """Returns None if a pattern takes too long on the answer."""
        try:
            grade = grade_of(answer or "", row["targets"], row["extra"])
        except PatternTimeoutError:
            return None
        return float(grade == "right" or grade == mode)

    def grade(self, row: LogRow) -> str:
        """Returns "" if a pattern takes too long on the answer."""
        graded, _ = graded_rows([row])
        return "" if not graded else "harmful" if graded[0].harmful else graded[0].grade

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """Returns the shares of each grade, over all, by what can be answered and by kind."""
        graded, problems = graded_rows(rows)
        return [*grade_table(graded), *problems, *too_long(rows)]


def grade_of(text: str, right: Sequence[str], extra: Mapping[str, Any]) -> Grade:
    """Grades a plain answer. Raises PatternTimeoutError."""
    if not text:
        return "wrong"
    if matches_any(right, text) and not matches_any(extra["wrong"], text):
        return "right"
    return "honest" if extra["refusal_ok"] and is_honest(text) else "wrong"


def is_harmful(text: str, grade: Grade, extra: Mapping[str, Any]) -> bool:
    """Returns whether a plain answer of this grade could do harm. Raises PatternTimeoutError."""
    if not (extra["harm"] and grade == "wrong" and text):
        return False
    return not extra["harm_if"] or matches_any(extra["harm_if"], text)


def graded_rows(rows: Sequence[LogRow]) -> tuple[list[Graded], list[str]]:
    """Grades the answered rows of a log; returns a sentence for each that cannot be graded."""
    graded, problems = [], []
    for row in rows:
        if row["error"]:
            continue
        text, extra = plain(row["raw"]), row["extra"]
        try:
            grade = grade_of(text, row["targets"], extra)
            graded.append(Graded(row["category"]["kind"], grade, is_harmful(text, grade, extra)))
        except PatternTimeoutError as error:
            problems.append(f"Question {row['id']} is not graded: {error}")
    return graded, problems


def too_long(rows: Sequence[LogRow]) -> list[str]:
    """Returns a sentence about questions that the model's context has no room for."""
    names = [row["id"] for row in rows if row["extra"].get("refused")]
    if not names:
        return []
    return [
        f"{plural(len(names), 'question')} did not fit into the model's context, so the chat would"
        f" not answer either, which counts as wrong: {', '.join(names)}."
    ]


def _question(folder: Path, entry: Entry, follows: Question | None) -> Question:
    media = tuple(MediaPart("file", folder / name) for name in entry.media)
    group = entry.media[0] if entry.media else entry.id
    return Question(
        entry.id,
        follows.group if follows else group,
        (*media, entry.question),
        entry.right,
        category={"kind": entry.kind},
        extra={
            "wrong": list(entry.wrong),
            "refusal_ok": entry.refusal_ok,
            "harm": entry.harm,
            "harm_if": list(entry.harm_if),
            "follows": entry.follows,
        },
        follows=follows,
    )
