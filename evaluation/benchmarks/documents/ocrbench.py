"""OCRBench: 1,000 images with text in ten types of tasks (arXiv:2305.07895).

An answer is correct if it contains an accepted answer, which favors verbose answers. Formulas are
compared without spaces and case-sensitively. The published score counts correct answers out of
1,000; here it is their share.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.free import FreeBenchmark, ScoringRule, lmms, stripped
from evaluation.benchmarks.published import parquet_files, read_parquet, text
from evaluation.runs.log import LogRow

GROUPS = {
    "Regular Text Recognition": "Text Recognition",
    "Irregular Text Recognition": "Text Recognition",
    "Artistic Text Recognition": "Text Recognition",
    "Handwriting Recognition": "Text Recognition",
    "Digit String Recognition": "Text Recognition",
    "Non-Semantic Text Recognition": "Text Recognition",
}
FORMULAS = "Handwritten Mathematical Expression Recognition"


def _official(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return contains(answer, targets, row["category"]["question_type"] == FORMULAS)


def _narrowed(answer: str, targets: Sequence[str], row: LogRow) -> float:
    if row["category"]["question_type"] == FORMULAS:
        return contains(answer, targets, formula=True)
    return contains(narrow(answer), [narrow(target) for target in targets])


def contains(answer: str, targets: Iterable[str], formula: bool = False) -> float:
    """Returns 1 if a target is contained in the answer, else 0."""
    normalized = _comparable(answer, formula)
    return float(any(_comparable(target, formula) in normalized for target in targets))


def narrow(text: str) -> str:
    """Converts full-width ASCII to ASCII, as lmms-eval does before comparing."""
    table = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
    return text.translate(table)


def _comparable(text: str, formula: bool) -> str:
    text = text.strip().replace("\n", " ")
    return text.replace(" ", "") if formula else text.lower()


class OCRBench(FreeBenchmark):
    name = "ocrbench"
    title = "OCRBench"
    needs = "data/test-*.parquet of echo840/OCRBench on the hub"
    hub = Hub("echo840/OCRBench", ("data/test-*.parquet",))
    metric = "contained"
    scoring_rules = {
        "official": ScoringRule(stripped, _official),
        "lmms-eval": ScoringRule(lmms, _narrowed),
    }
    max_new_tokens = 128
    max_tiles = 6  # PVC's number for photographs, beside a thumbnail

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = parquet_files(folder, "data", "test")
        return self.require(found, folder, "no data/test-*.parquet")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        columns = ("dataset", "question", "question_type", "answer")
        for number, row in enumerate(read_parquet(files, columns, (), "image")):
            answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
            kind = text(row, "question_type")
            yield Question(
                id=f"{number:04d}",
                group=f"{number:04d}",
                parts=(MediaPart("image", packed=row["image"]), text(row, "question").strip()),
                targets=tuple(str(answer) for answer in answers if answer is not None),
                category={
                    "group": GROUPS.get(kind, kind),
                    "question_type": kind,
                    "dataset": text(row, "dataset"),
                },
            )
