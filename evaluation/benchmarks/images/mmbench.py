"""MMBench: questions with two to five options about images, asked in every rotation of the options.

arXiv:2307.06281. CircularEval: a question is correct if all rotations of its options are answered
correctly. Rotations are rows of the published files (index plus a multiple of a million); they are
generated here for files without them. Circular and plain accuracy are not comparable.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import (
    DIRECTLY,
    LETTERS,
    ChoiceBenchmark,
    clean,
    dotted,
    lmms_match,
    mean_score,
    vlmevalkit_match,
    vlmevalkit_prompt,
)
from evaluation.benchmarks.packed_media import Cell
from evaluation.benchmarks.published import parquet_files, read_parquet, read_table, text
from evaluation.runs.log import LogRow

MILLION = 1_000_000
COLUMNS = ("index", "question", "A", "B")
OPTIONAL = ("C", "D", "E", "hint", "answer", "category", "L2-category", "l2-category")
MISSING = (None, "", "nan")  # spellings of a missing option in published files


class MMBench(ChoiceBenchmark):
    name = "mmbench"
    title = "MMBench"
    needs = (
        "en/dev-*.parquet of lmms-lab/MMBench on the hub, or MMBench_DEV_EN.tsv of OpenCompass"
        " (similarly for cn and test)"
    )
    hub = Hub("lmms-lab/MMBench", ("{language}/{split}-*.parquet",))
    metric = "circular accuracy"
    readers = {"vlmevalkit": vlmevalkit_match, "lmms-eval": lmms_match, "clean": clean}
    prompt_modes = ("pvc", "vlmevalkit", "lmms-eval")
    splits = ("dev-en", "test-en", "dev-cn", "test-cn")
    max_tiles = 6  # PVC's number for photographs, beside a thumbnail

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        split, language = self.split(options).split("-")
        return tuple(one.format(split=split, language=language) for one in self.hub.files)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        split, language = self.split(options).split("-")
        found = parquet_files(folder / language, "", split)
        for name in (f"MMBench_{split}_{language}.tsv", f"mmbench_{split}_{language}*.tsv"):
            found = found or sorted(folder.glob(name.upper().replace(".TSV", ".tsv")))[:1]
            found = found or sorted(folder.glob(name))[:1]
        found = found or sorted(folder.glob(f"MMBench_{split.upper()}_{language.upper()}*.tsv"))[:1]
        written = f"MMBench_{split.upper()}_{language.upper()}.tsv"
        return self.require(found, folder, f"neither {language}/{split}-*.parquet nor {written}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        packed = files[0].suffix == ".parquet"
        rows = list(
            read_parquet(files, COLUMNS, OPTIONAL, "image")
            if packed
            else read_table(files[0], (*COLUMNS, "image"))
        )
        pictures = _pictures(rows)
        questions = [self._question(row, pictures, options) for row in rows]
        if any(question.extra["index"] >= MILLION for question in questions):
            yield from questions
            return
        for question in questions:
            for turn in range(len(question.options)):
                yield self._rotated(question, turn, options)

    def _question(
        self, row: dict[str, Any], pictures: dict[int, MediaPart], options: Options
    ) -> Question:
        index = int(text(row, "index"))
        choices = [str(row[key]) for key in "ABCDE" if row.get(key) not in MISSING]
        hint = None if row.get("hint") in MISSING else str(row["hint"])
        answer = row.get("answer")
        kinds = {
            "category": row.get("category"),
            "l2-category": row.get("l2-category") or row.get("L2-category"),
        }
        question = Question(
            id=str(index),
            group=str(index % MILLION),
            parts=(pictures[index],),
            targets=(str(answer),) if answer not in MISSING else (),
            options=tuple(choices),
            category={key: str(value) for key, value in kinds.items() if value not in MISSING},
            extra={"index": index, "question": text(row, "question"), "hint": hint},
        )
        return self._with_prompt(question, options)

    def _with_prompt(self, question: Question, options: Options) -> Question:
        body, hint = question.extra["question"], question.extra["hint"]
        mode, chinese = self.prompt_mode(options), self.split(options).endswith("cn")
        if mode == "vlmevalkit":
            prompt = vlmevalkit_prompt(body, list(question.options), hint)
        elif mode == "lmms-eval":
            last = "请直接使用所提供的选项字母作为答案回答。" if chinese else DIRECTLY
            listed = f"There are several options:\n{dotted(question.options)}"
            prompt = f"{hint + ' ' if hint else ''}{body} {listed}\n\n{last}"
        else:
            last = "请直接回答选项字母。" if chinese else DIRECTLY
            prompt = f"{hint + chr(10) if hint else ''}{body}\n{dotted(question.options)}\n{last}"
        return replace(question, parts=(question.parts[0], prompt))

    def _rotated(self, question: Question, turn: int, options: Options) -> Question:
        """Rotates the options by `turn` positions, as the rows of published files do."""
        if turn == 0:
            return question
        count = len(question.options)
        index = question.extra["index"] + turn * MILLION
        targets = tuple(
            LETTERS[(LETTERS.index(target) - turn) % count] for target in question.targets
        )
        turned = replace(
            question,
            id=str(index),
            options=question.options[turn:] + question.options[:turn],
            targets=targets,
            extra={**question.extra, "index": index},
        )
        return self._with_prompt(turned, options)

    def units(self, rows: Sequence[LogRow], mode: str) -> list[tuple[str, float | None]]:
        """Returns one unit per question: 1 if all its rotations are correct."""
        scores: dict[str, list[float | None]] = {}
        for row in rows:
            scores.setdefault(row["group"], []).append((row["score"] or {}).get(mode))
        return [
            (group, None if None in found else float(min(value or 0.0 for value in found)))
            for group, found in scores.items()
        ]

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the plain accuracy over unrotated questions."""
        plain = mean_score([row for row in rows if row["extra"]["index"] < MILLION], mode)
        return {} if plain is None else {"plain accuracy": plain}


def _pictures(rows: Sequence[dict[str, Any]]) -> dict[int, MediaPart]:
    """Returns images by index. In TSV files a row may refer to the image of another index."""
    found: dict[int, MediaPart] = {}
    named: dict[int, int] = {}
    for row in rows:
        index, picture = int(text(row, "index")), row["image"]
        if isinstance(picture, Cell):
            found[index] = MediaPart("image", packed=picture)
        elif picture and len(picture) < 64 and picture.isdecimal():
            named[index] = int(picture)
        else:
            try:
                data = base64.b64decode(picture or "", validate=True)
            except binascii.Error as error:
                raise ValueError(f"mmbench: the image of row {index} is not base64.") from error
            if not data:
                raise ValueError(f"mmbench: row {index} has no image.")
            found[index] = MediaPart("image", data=data)
    for index, other in named.items():
        if other not in found:
            raise ValueError(
                f"mmbench: row {index} refers to the image of row {other}, which has none."
            )
        found[index] = found[other]
    return found
