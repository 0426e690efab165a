"""DocVQA (arXiv:2007.00398) and InfographicVQA (arXiv:2104.12756): questions about documents.

They share two layouts (parquet with images on the hub; JSON beside a folder of images from the
challenge), ANLS with its modes, and the prompt. Answers of the test split are not public: it is
asked and exported, not scored.
"""

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
from evaluation.metrics.anls import anls
from evaluation.runs.log import LogRow


def keeping_half(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return anls(answer, targets)


def dropping_half(answer: str, targets: Sequence[str], row: LogRow) -> float:
    return anls(answer, targets, keep_half=False)


class DocumentBenchmark(FreeBenchmark):
    """The common part of the two benchmarks."""

    metric = "anls"
    scoring_rules = {
        "official": ScoringRule(unchanged, keeping_half),
        "lmms-eval": ScoringRule(lmms, keeping_half),
        "vlmevalkit": ScoringRule(table, keeping_half),
        "paper": ScoringRule(unchanged, dropping_half),
    }
    prompt_modes = ("lmms-eval", "pvc")
    splits = ("validation", "test")
    max_new_tokens = 32
    config: str  # folder of its parquet files
    json_names: dict[str, str]  # pattern per split
    picture_key: str  # of the image file name in the JSON
    pictures: tuple[str, ...]  # folders that file names may be relative to
    grouping: tuple[str, ...]  # columns that identify a document
    kinds: str  # column with the types of a question

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        if files[0].suffix == ".parquet":
            rows = read_parquet(
                files, ("questionId", "question"), ("answers", self.kinds, *self.grouping), "image"
            )
        else:
            rows = read_list(files[0], ("questionId", "question", self.picture_key), "data")
        separator = " " if self.prompt_mode(options) == "pvc" else "\n"
        for row in rows:
            number = text(row, "questionId")
            picture = self._picture(row, folder, files[0].parent)
            yield Question(
                id=number,
                group=self._document(row, number),
                parts=(picture, text(row, "question") + separator + WORD_OR_PHRASE),
                targets=tuple(str(answer) for answer in row.get("answers") or ()),
                category=self._category(row),
                extra={"questionId": number},
            )

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        split = self.split(options)
        written = self.json_names[split]
        found = parquet_files(folder, self.config, split) or sorted(folder.rglob(written))[:1]
        expected = f"neither {self.config}/{split}-*.parquet nor {written}"
        return self.require(found, folder, expected)

    def _category(self, row: dict[str, Any]) -> dict[str, str]:
        """Returns the question's first type; it may have several."""
        kinds = list(row.get(self.kinds) or ())
        return {self.kinds: str(kinds[0])} if kinds else {}

    def _picture(self, row: dict[str, Any], folder: Path, beside: Path) -> MediaPart:
        if isinstance(row.get("image"), Cell):
            return MediaPart("image", packed=row["image"])
        name = text(row, self.picture_key)
        folders = [root / place for root in (beside, folder) for place in ("", *self.pictures)]
        return MediaPart("image", first_existing(folders, name))

    def _document(self, row: dict[str, Any], number: str) -> str:
        known = [str(row[key]) for key in self.grouping if row.get(key) is not None]
        picture = row.get("image.path") or row.get(self.picture_key)
        return "-".join(known) or (picture if isinstance(picture, str) else "") or number


class DocVQA(DocumentBenchmark):
    """Scanned pages of documents, one page per question."""

    name = "docvqa"
    title = "DocVQA"
    needs = (
        "DocVQA/validation-*.parquet of lmms-lab/DocVQA on the hub, or val_v1.0_withQT.json and"
        " documents/ of the challenge's download"
    )
    hub = Hub("lmms-lab/DocVQA", ("DocVQA/{split}-*.parquet",))
    max_tiles = 18  # PVC's number for pages, beside a thumbnail
    config = "DocVQA"
    json_names = {"validation": "val_v1.0*.json", "test": "test_v1.0*.json"}
    picture_key = "image"
    pictures = ("spdocvqa_images",)
    grouping = ("ucsf_document_id",)
    kinds = "question_types"


class InfoVQA(DocumentBenchmark):
    """Tall infographics full of text and numbers."""

    name = "infovqa"
    title = "InfographicVQA"
    needs = (
        "InfographicVQA/validation-*.parquet of lmms-lab/DocVQA on the hub, or"
        " infographicsVQA_val_v1.0*.json and infographicsvqa_images/ of the challenge's download"
    )
    hub = Hub("lmms-lab/DocVQA", ("InfographicVQA/{split}-*.parquet",))
    max_tiles = 24  # PVC's number for infographics, beside a thumbnail
    config = "InfographicVQA"
    json_names = {
        "validation": "infographicsVQA_val_v1.0*.json",
        "test": "infographicsVQA_test_v1.0*.json",
    }
    picture_key = "image_local_name"
    pictures = ("infographicsvqa_images", "infographicVQA_images", "images")
    grouping = ("image_url",)
    kinds = "answer_type"
