"""TextVQA: questions about text in photographs, with ten human answers (arXiv:1904.08920)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.free import (
    WORD_OR_PHRASE,
    FreeBenchmark,
    ScoringRule,
    lmms,
    table,
    unchanged,
)
from evaluation.benchmarks.packed_media import Cell, first_existing
from evaluation.benchmarks.published import parquet_files, read_list, read_parquet, text
from evaluation.metrics.vqa import evalai, vlmevalkit, vqa_accuracy, vqa_accuracy_clean
from evaluation.runs.log import LogRow


def _evalai(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return vqa_accuracy(answer, targets, evalai)


def _vlmevalkit(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return vqa_accuracy(answer, targets, vlmevalkit)


def _clean(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return vqa_accuracy_clean(answer, targets)


def prompt(mode: str, question: str, ocr_tokens: Sequence[str]) -> str:
    if mode == "pvc":
        return f"{question} {WORD_OR_PHRASE}"
    if mode == "vlmevalkit":
        return f"{question}\n{WORD_OR_PHRASE}"
    # capitalize() lower-cases all letters but the first: lmms-eval asks about "nasa".
    seen = f"\nReference OCR token: {', '.join(ocr_tokens)}" if mode == "lmms-eval-ocr" else ""
    return f"{question.capitalize()}{seen}\n{WORD_OR_PHRASE}"


class TextVQA(FreeBenchmark):
    name = "textvqa"
    title = "TextVQA"
    needs = (
        "data/validation-*.parquet of lmms-lab/textvqa on the hub, or TextVQA_0.5.1_val.json and"
        " train_images/ of the authors' download"
    )
    hub = Hub("lmms-lab/textvqa", ("data/{split}-*.parquet",))
    metric = "VQA accuracy"
    scoring_rules = {
        "official": ScoringRule(unchanged, _evalai),
        "lmms-eval": ScoringRule(lmms, _evalai),
        "vlmevalkit": ScoringRule(table, _vlmevalkit),
        "clean": ScoringRule(lmms, _clean),
    }
    prompt_modes = ("vlmevalkit", "lmms-eval", "lmms-eval-ocr", "pvc")
    splits = ("validation", "test")
    max_tiles = 6  # PVC's number for photographs, beside a thumbnail

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        split = self.split(options)
        written = f"TextVQA_0.5.1_{'val' if split == 'validation' else split}.json"
        found = parquet_files(folder, "data", split) or sorted(folder.rglob(written))[:1]
        return self.require(found, folder, f"neither data/{split}-*.parquet nor {written}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        keys = ("image_id", "question_id", "question")
        if files[0].suffix == ".parquet":
            rows = read_parquet(files, keys, ("answers", "ocr_tokens"), "image")
        else:
            rows = read_list(files[0], keys, "data")
        mode = self.prompt_mode(options)
        for row in rows:
            tokens = row.get("ocr_tokens")
            if mode == "lmms-eval-ocr" and tokens is None:
                raise ValueError(f"textvqa: {files[0]} has no ocr_tokens, which this prompt needs.")
            answers = [str(answer or "") for answer in row.get("answers") or ()]
            yield Question(
                id=text(row, "question_id"),
                group=text(row, "image_id"),
                parts=(
                    self._picture(row, files[0].parent),
                    prompt(mode, text(row, "question"), tokens or ()),
                ),
                targets=tuple(answers) if any(answers) else (),  # empty in the test split
                extra={"question_id": row["question_id"]},
            )

    def _picture(self, row: dict[str, Any], beside: Path) -> MediaPart:
        if isinstance(row.get("image"), Cell):
            return MediaPart("image", packed=row["image"])
        name = f"{text(row, 'image_id')}.jpg"
        folders = [beside / "train_images", beside / "test_images"]
        return MediaPart("image", first_existing(folders, name))
