"""What the embedded model can and cannot do, on data it never saw: `python -m training.report`.

Prints Markdown tables (and writes them with --out): every task of the synthetic worlds with
held-out objects, fonts, backgrounds and phrasings; real photographs; one to four looks at text and
small detail; text-only chat beside the base model. Shares come with a 95 % Wilson interval.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch

from data.embedded import DEFAULT
from data.records import Media, Message, Record, Text, read_records
from data.scoring import is_right, judge
from data.shares import shown
from training.answers import answers
from training.chat_check import chat_table
from vlm.loading import default_dtype
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

# What the embedded model aims at, by the tasks that show it.
AIMS = {
    "colour": ("colour", "background"),
    "place": ("place", "side"),
    "count to 4": ("count",),
    "motion": ("motion", "moves"),
    "order": ("order",),
}
LOOKED_AT_AGAIN = ("small", "number", "word", "detail", "odd", "heading", "total", "scroll")
PHOTO_QUESTIONS = ("What is this?", "What do you see?", "What is in the picture?")
AIM = 0.8
PHOTO_AIM = 0.6


class Reporter:
    """Scores one model; every method gives lines of Markdown."""

    def __init__(
        self, model: PVCForConditionalGeneration, processor: PVCProcessor, batch_size: int
    ) -> None:
        self.model, self.processor, self.batch_size = model, processor, batch_size
        self.examples: list[tuple[str, str, str, str]] = []

    def worlds(self, records: Sequence[Record]) -> list[str]:
        """Every task of the synthetic worlds."""
        given = answers(
            self.model, self.processor, records, batch_size=self.batch_size, label="worlds"
        )
        hits: dict[str, int] = defaultdict(int)
        totals: dict[str, int] = defaultdict(int)
        for record, answer in zip(records, given, strict=True):
            verdict = judge(record, answer)
            hits[record.task] += verdict == "right"
            totals[record.task] += 1
            self.examples.append((record.task, record.turns[0][0], answer, verdict))
        lines = ["| aim (>= 80 %) | right on held-out worlds |", "|---|---|"]
        for aim, tasks in AIMS.items():
            right, total = sum(hits[t] for t in tasks), sum(totals[t] for t in tasks)
            lines.append(f"| {aim} | {shown(right, total)}{_missed(right, total, AIM)} |")
        lines += ["", "| task | right |", "|---|---|"]
        lines += [f"| {task} | {shown(hits[task], totals[task])} |" for task in sorted(totals)]
        return lines

    def photos(self, folder: Path) -> list[str]:
        """Real photographs of one thing each."""
        rows = json.loads((folder / "photos.json").read_text(encoding="utf-8"))
        records = [
            Record(
                row["file"],
                (
                    Message(
                        "user",
                        (
                            Media("image", folder / row["file"]),
                            Text(PHOTO_QUESTIONS[index % len(PHOTO_QUESTIONS)]),
                        ),
                    ),
                ),
            )
            for index, row in enumerate(rows)
        ]
        given = answers(
            self.model, self.processor, records, batch_size=self.batch_size, label="photos"
        )
        verdicts = [
            is_right(answer, row["accept"], row["near"])
            for answer, row in zip(given, rows, strict=True)
        ]
        for row, answer, verdict in zip(rows, given, verdicts, strict=True):
            self.examples.append(("photo", row["accept"][0], answer, verdict))
        right, near = verdicts.count("right"), verdicts.count("near")
        total = len(rows)
        unsure = sum("can't" in answer or "cannot" in answer for answer in given)
        return [
            "| photographs of one thing | share |",
            "|---|---|",
            f"| right | {shown(right, total)} |",
            f"| right or nearly right (aim >= 60 %) | {shown(right + near, total)}"
            f"{_missed(right + near, total, PHOTO_AIM)} |",
            f'| said "I can\'t tell" | {shown(unsure, total)} |',
        ]

    def looks(self, records: Sequence[Record]) -> list[str]:
        """The same questions with one, two, three and four looks at each picture."""
        chosen = [r for r in records if r.task in LOOKED_AT_AGAIN and r.media[0].kind == "image"]
        lines = ["| looks | right on text and small detail |", "|---|---|"]
        for num_looks in range(1, self.model.config.looks + 1):
            given = answers(
                self.model,
                self.processor,
                chosen,
                looks=num_looks,
                batch_size=self.batch_size,
                label=f"{num_looks} looks",
            )
            right = sum(
                judge(record, answer) == "right"
                for record, answer in zip(chosen, given, strict=True)
            )
            lines.append(f"| {num_looks} | {shown(right, len(chosen))} |")
        return lines

    def samples(self, num: int, seed: int = 0) -> list[str]:
        """Answers drawn by lot, to be read."""
        drawn = random.Random(seed).sample(self.examples, min(num, len(self.examples)))
        lines = ["| task | asked | answered | judged |", "|---|---|---|---|"]
        return lines + [f"| {' | '.join(_cell(text) for text in row)} |" for row in drawn]


def _missed(hits: int, total: int, aim: float) -> str:
    return "" if total and hits / total >= aim else " **missed**"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.report", description=__doc__)
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT, help="made by python -m data.embedded"
    )
    parser.add_argument("--limit", type=int, help="only so many questions of each task")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--out", type=Path, help="write the tables into this file, too")
    parser.add_argument("--answers", type=Path, help="write every answer into this JSONL file")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    try:
        lines = report(arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"python -m training.report: {error}")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text, encoding="utf-8")


def report(arguments: argparse.Namespace) -> list[str]:
    """All tables of a model."""
    folder = model_folder(arguments.model)
    model = PVCForConditionalGeneration.from_pretrained(
        folder, dtype=default_dtype(torch.device("cpu"))
    ).eval()
    reporter = Reporter(model, PVCProcessor.from_pretrained(folder), arguments.batch_size)
    records = list(read_records(arguments.data / "held" / "records.jsonl"))
    if arguments.limit:
        records = first_of_each_task(records, arguments.limit)
    from data.prepare.fetch import cache_folder

    lines = ["## Made worlds, held out", "", *reporter.worlds(records), ""]
    lines += ["## Photographs", "", *reporter.photos(cache_folder() / "assets"), ""]
    lines += ["## More looks", "", *reporter.looks(records), ""]
    lines += ["## Text alone", "", *chat_table(model, reporter.processor, arguments.data), ""]
    lines += ["## Answers drawn by lot", "", *reporter.samples(24)]
    if arguments.answers:
        with arguments.answers.open("w", encoding="utf-8") as file:
            for row in reporter.examples:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return lines


def model_folder(name: str) -> Path:
    """Where a model's files are."""
    if name == "embedded":
        from vlm.weights import embedded

        return embedded.folder()
    return Path(name)


def first_of_each_task(records: Sequence[Record], limit: int) -> list[Record]:
    """At most `limit` records of each task."""
    counts: dict[str, int] = defaultdict(int)
    kept = []
    for record in records:
        counts[record.task] += 1
        if counts[record.task] <= limit:
            kept.append(record)
    return kept


if __name__ == "__main__":
    main()
