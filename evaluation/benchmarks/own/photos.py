"""Real photographs of one thing each, which the embedded model never saw; fetched by
`python -m data.prepare.photos`.

What counts as right, and as nearly right, stands with each picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data.embedded.photographs import LIST, photographs
from data.wilson import format_share
from evaluation.benchmarks.base import Options, Question
from evaluation.benchmarks.own.worlds import OwnBenchmark, as_question, missed
from evaluation.runs.log import LogRow

AIM = 0.6


class Photos(OwnBenchmark):
    name = "photos"
    title = "Photographs of one thing"
    needs = f"{LIST} and photos/, fetched by python -m data.prepare.photos"
    made_file = LIST
    made_in = "assets"

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        for record in photographs(folder):
            question = as_question(record)
            yield replace(question, group=record.id, category={"source": record.task})

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """The README's table of photographs."""
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
            f'| said "I can\'t tell" | {format_share(unsure, total)} |',
        ]
