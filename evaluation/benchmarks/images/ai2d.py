"""AI2D: questions with four options about school diagrams (arXiv:1603.07396).

Two versions of the images exist: labels masked by letters, or unmasked. Their results are several
points apart, so report which one was used.
"""

from collections.abc import Iterator
from pathlib import Path

from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import (
    DIRECTLY,
    LETTERS,
    ChoiceBenchmark,
    clean,
    dotted,
    vlmevalkit_match,
    vlmevalkit_prompt,
)
from evaluation.benchmarks.published import PICTURE_NAME, parquet_files, read_parquet, text
from evaluation.runs.log import LogRow

PUNCTUATION = str.maketrans("", "", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def exact(row: LogRow, raw: str) -> str | None:
    """lmms-eval's exact match: the letter of "B. a leaf", else a whole answer that is a letter."""
    raw = strip_reasoning(raw)
    if raw[:1].isascii() and raw[:1].isupper() and raw[1:2] == ".":
        return raw[0]
    bare = raw.lower().translate(PUNCTUATION).upper()
    return bare if len(bare) == 1 and bare in LETTERS else None


class AI2D(ChoiceBenchmark):
    name = "ai2d"
    title = "AI2D"
    needs = "data/test-*.parquet of lmms-lab/ai2d (labels masked) or of a similar set on the hub"
    hub = Hub("lmms-lab/ai2d", ("data/test-*.parquet",))
    readers = {"vlmevalkit": vlmevalkit_match, "lmms-eval": exact, "clean": clean}
    prompt_modes = ("lmms-eval", "vlmevalkit")  # PVC asks as lmms-eval does
    max_tiles = 6  # PVC's number for photographs, beside a thumbnail

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = parquet_files(folder, "data", "test")
        return self.require(found, folder, "no data/test-*.parquet")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        columns = ("question", "options", "answer")
        for number, row in enumerate(read_parquet(files, columns, (), "image")):
            choices = [str(option) for option in row["options"] or ()]
            question, answer = text(row, "question"), row["answer"]
            known = answer is not None
            if known and (not str(answer).isdecimal() or int(answer) >= len(choices)):
                raise ValueError(
                    f"ai2d: question {number} has the answer {answer!r}, which must be the index of"
                    f" one of its {len(choices)} options, from 0."
                )
            prompt = f"{question}\n{dotted(choices)}\n{DIRECTLY}"
            if self.prompt_mode(options) == "vlmevalkit":
                prompt = vlmevalkit_prompt(question, choices)
            yield Question(
                id=f"{number:04d}",
                group=row[PICTURE_NAME] or f"{number:04d}",
                parts=(MediaPart("image", packed=row["image"]), prompt),
                targets=(LETTERS[int(answer)],) if known else (),
                options=tuple(choices),
            )
