"""Photographs of single objects that the embedded model was not trained on.

`python -m data.prepare.photos` downloads them. The list defines right and nearly right answers for
each photograph.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data.embedded.photographs import LIST, photographs
from data.wilson import format_share
from evaluation.benchmarks.base import Options, Question
from evaluation.benchmarks.own.worlds import OwnBenchmark, as_question, missed
from evaluation.runs.log import LogRow

AIM = 0.79


class Photos(OwnBenchmark):
    name = "photos"
    title = "Photographs of one thing"
    needs = f"{LIST} and photos/, downloaded by python -m data.prepare.photos"
    records_file = LIST
    cached_as = "assets"

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        for record in photographs(folder):
            question = as_question(record)
            yield replace(question, group=record.id, category={"source": record.task})

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """Returns the README's table of photographs."""
        answered = [row for row in rows if not row["error"]]
        total = len(answered)
        right = sum(row["score"]["right"] == 1.0 for row in answered)
        nearly = sum(row["score"]["nearly"] == 1.0 for row in answered)
        unsure = sum("can't" in row["raw"] or "cannot" in row["raw"] for row in answered)
        return [
            "| photographs of one thing | share |",
            "|---|---|",
            f"| right | {format_share(right, total)} |",
            f"| right or nearly right (aim >= {100 * AIM:.0f} %) | {format_share(nearly, total)}"
            f"{missed(nearly, total, AIM)} |",
            f'| answered "I can\'t tell" | {format_share(unsure, total)} |',
        ]
