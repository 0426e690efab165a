"""ChartQA: questions about charts, half written by people, half generated (arXiv:2203.10244)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.free import (
    WORD_OR_PHRASE,
    FreeBenchmark,
    ScoringRule,
    lmms,
    stripped,
)
from evaluation.benchmarks.packed_media import inside
from evaluation.benchmarks.published import (
    PICTURE_NAME,
    parquet_files,
    read_list,
    read_parquet,
    text,
)
from evaluation.metrics.relaxed import relaxed, relaxed_clean
from evaluation.runs.log import LogRow

PROMPTS = {
    "vlmevalkit": "\n" + WORD_OR_PHRASE,
    "pvc": " " + WORD_OR_PHRASE,
    "lmms-eval": "\nAnswer the question with a single word.",
}
HALVES = ("human", "augmented")


def _relaxed(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return max(relaxed(answer, target) for target in targets)


def _clean(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return max(relaxed_clean(answer, target) for target in targets)


# Half, image, the chart's file name, question, answer.
_Row = tuple[str, MediaPart, str, str, Any]


class ChartQA(FreeBenchmark):
    name = "chartqa"
    title = "ChartQA"
    needs = (
        "data/test-*.parquet of lmms-lab/ChartQA on the hub, or test_human.json,"
        " test_augmented.json and png/ of the authors' download"
    )
    hub = Hub("lmms-lab/ChartQA", ("data/test-*.parquet",))
    metric = "relaxed accuracy"
    scoring_rules = {
        "official": ScoringRule(stripped, _relaxed),
        "lmms-eval": ScoringRule(lmms, _relaxed),
        "clean": ScoringRule(lmms, _clean),
    }
    prompt_modes = tuple(PROMPTS)
    max_tiles = 12  # PVC's number for charts, beside a thumbnail

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = parquet_files(folder, "data", "test")
        if found:
            return found
        found = [path for half in HALVES for path in sorted(folder.rglob(f"test_{half}.json"))[:1]]
        expected = "neither data/test-*.parquet nor both test_human.json and test_augmented.json"
        return self.require(found if len(found) == len(HALVES) else [], folder, expected)

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        packed = files[0].suffix == ".parquet"
        rows = self._packed(files) if packed else self._unpacked(files)
        numbers: dict[str, int] = {}
        for half, picture, chart, question, answer in rows:
            number = numbers[half] = numbers.get(half, -1) + 1
            yield Question(
                id=f"{half}-{number:04d}",
                group=chart or f"{half}-{number:04d}",
                parts=(picture, question + PROMPTS[self.prompt_mode(options)]),
                targets=() if answer is None else (str(answer),),
                category={"half": half},
            )

    def _packed(self, files: Sequence[Path]) -> Iterator[_Row]:
        for row in read_parquet(files, ("type", "question", "answer"), (), "image"):
            answers = row["answer"]
            answer = answers[0] if isinstance(answers, list) and answers else answers
            half = text(row, "type").removesuffix("_test")
            picture = MediaPart("image", packed=row["image"])
            yield half, picture, row[PICTURE_NAME] or "", text(row, "question"), answer

    def _unpacked(self, files: Sequence[Path]) -> Iterator[_Row]:
        for path, half in zip(files, HALVES, strict=True):
            for row in read_list(path, ("imgname", "query", "label")):
                chart = text(row, "imgname")
                picture = MediaPart("image", inside(path.parent / "png", chart))
                yield half, picture, chart, text(row, "query"), row["label"]
