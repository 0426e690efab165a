"""The synthetic worlds the embedded model learnt from, with objects, fonts and words it never saw.

Made by `python -m data.embedded`; each question has one picture or clip of its own. Answers are
free text, score_row by the rules of `data.scoring`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.records import MediaFile, Record, RecordText, read_records
from data.scoring import first_sentence, is_right
from data.wilson import count_by_name, format_share
from evaluation.benchmarks.base import Benchmark, MediaPart, Options, Question
from evaluation.runs.log import LogRow
from vlm.weights.io.files import cache_dir

RECORDS = "records.jsonl"
AIM = 0.8
# What the embedded model aims at, by the tasks that show it.
AIMS = {
    "colour": ("colour", "background"),
    "place": ("place", "side"),
    "count to 4": ("count",),
    "motion": ("motion", "moves"),
    "order": ("order",),
}


class OwnBenchmark(Benchmark):
    """Free answers to questions about our own pictures; these lie in the cache where made."""

    metric = "accuracy"
    modes = ("right", "nearly")  # "nearly" takes "an animal" for "a cat"
    max_new_tokens = 28
    made_file: str  # tells a folder of this benchmark
    made_in: str  # the folder in the cache

    def folder(self, folder: Path) -> Path:
        """The folder asked for, or the one that this repository's own commands filled."""
        return folder if folder.is_dir() else cache_dir() / self.made_in

    def questions(self, folder: Path, options: Options) -> list[Question]:
        return super().questions(self.folder(folder), options)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        return [self.folder(folder) / self.made_file]

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        """The first sentence: nothing after it counts."""
        return first_sentence(raw) or None

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if answer is None:
            return 0.0
        extra = row["extra"]
        verdict = is_right(answer, row["targets"], extra["near"], extra["wrong"])
        return float(verdict == "right" or (verdict == "near" and mode == "nearly"))


class Worlds(OwnBenchmark):
    name = "worlds"
    title = "The synthetic worlds, held out"
    needs = f"{RECORDS} and its media, made by python -m data.embedded (or data.synthetic)"
    num_frames = 8
    made_file = RECORDS
    made_in = "training/held"

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        for record in read_records(folder / RECORDS):
            yield as_question(record)

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """The README's tables: what the model aims at, then every task."""
        right = count_by_name(
            (row["category"]["task"], row["score"]["right"] == 1.0)
            for row in rows
            if not row["error"]
        )
        lines = [f"| aim (>= {100 * AIM:.0f} %) | right on held-out worlds |", "|---|---|"]
        for aim, tasks in AIMS.items():
            found = [right[task] for task in tasks if task in right]
            hits, total = sum(hits for hits, _ in found), sum(total for _, total in found)
            lines.append(f"| {aim} | {format_share(hits, total)}{missed(hits, total, AIM)} |")
        lines += ["", "| task | right |", "|---|---|"]
        return lines + [f"| {task} | {format_share(*share)} |" for task, share in right.items()]


def as_question(record: Record) -> Question:
    """The first turn of a record."""
    if not record.accept or not record.accept[0]:
        raise ValueError(f"record {record.id} has no accepted answers; it cannot be scored.")
    message = next(message for message in record.messages if message.role == "user")
    parts: list[MediaPart | str] = []
    for part in message.parts:
        if isinstance(part, RecordText):
            parts.append(part.text)
        elif isinstance(part, MediaFile):
            parts.append(MediaPart("video" if part.kind == "video" else "image", part.path))
        else:
            raise ValueError(f"record {record.id} has no picture that could be shown.")
    kinds = {part.kind for part in parts if isinstance(part, MediaPart)}
    return Question(
        record.id,
        message.media[0].path.name if message.media else record.id,
        tuple(parts),
        record.accept[0],
        category={"task": record.task, "medium": " and ".join(sorted(kinds)) or "text"},
        extra={
            "near": list(record.near[0]) if record.near else [],
            "wrong": list(record.wrong[0]) if record.wrong else [],
        },
    )


def missed(hits: int, total: int, aim: float) -> str:
    return " **missed**" if total and hits / total < aim else ""
