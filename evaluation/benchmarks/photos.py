"""Real photographs of one thing each, which the embedded model never saw; fetched by
`python -m data.prepare.photos`.

What counts as right, and as nearly right, stands with each picture.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.shares import shown
from evaluation.benchmarks.base import MediaPart, Options, Question, Row
from evaluation.benchmarks.worlds import FreeAnswers, missed

LIST = "photos.json"
QUESTIONS = ("What is this?", "What do you see?", "What is in the picture?")
AIM = 0.6


class Photos(FreeAnswers):
    name = "photos"
    title = "Photographs of one thing"
    needs = f"{LIST} and photos/, fetched by python -m data.prepare.photos"
    made_file = LIST
    made_in = "assets"

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        path = folder / LIST
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            for index, row in enumerate(rows):
                yield Question(
                    row["file"],
                    row["file"],
                    (MediaPart("image", folder / row["file"]), QUESTIONS[index % len(QUESTIONS)]),
                    tuple(row["accept"]),
                    category={"source": str(row.get("source", "unknown"))},
                    extra={"near": list(row.get("near", ())), "wrong": []},
                )
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path} is no list of {{"file", "accept", "near"}} ({error}).'
            ) from error

    def tables(self, rows: Sequence[Row]) -> list[str]:
        """The README's table of photographs."""
        answered = [row for row in rows if not row["error"]]
        total = len(answered)
        right = sum(row["score"]["right"] == 1.0 for row in answered)
        nearly = sum(row["score"]["nearly"] == 1.0 for row in answered)
        unsure = sum("can't" in row["raw"] or "cannot" in row["raw"] for row in answered)
        return [
            "| photographs of one thing | share |",
            "|---|---|",
            f"| right | {shown(right, total)} |",
            f"| right or nearly right (aim >= {100 * AIM:.0f} %) | {shown(nearly, total)}"
            f"{missed(nearly, total, AIM)} |",
            f'| said "I can\'t tell" | {shown(unsure, total)} |',
        ]
