"""MLVU: questions about videos of three minutes to two hours (arXiv:2406.04264).

Includes the multiple-choice tasks; sub-scene captioning and summarization need a judge. The
headline is M-Avg, the plain mean of the tasks' accuracies (VLMEvalKit pools the questions instead).
The test split has up to six options, of which lmms-eval considers the first four.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.answers.first_letter import xlsx_roundtrip
from evaluation.answers.matching import vlmevalkit_option
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import (
    ChoiceBenchmark,
    bracketed,
    clean,
    letters,
    mean_score,
    options_by_letter,
    ranked_abcd,
)
from evaluation.benchmarks.packed_media import VideoFiles
from evaluation.benchmarks.published import letter_of, read_list, text
from evaluation.runs.log import LogRow

SYSTEM = (
    "Carefully watch this video and pay attention to every detail. Based on your observations,"
    " select the best option that accurately addresses the question."
)
ONLY = "Only give the best option."
DEV_TASKS = (
    *("1_plotQA", "2_needle", "3_ego", "4_count", "5_order", "6_anomaly_reco"),
    "7_topic_reasoning",
)


def before_bracket(row: LogRow, raw: str) -> str | None:
    """The authors' rule: the character before the first ")", else the whole answer."""
    position = raw.find(")")
    letter = raw[max(position - 1, 0) : position] if position >= 0 else raw
    return letter if len(letter) == 1 and letter in letters(row) else None


def bracket_or_match(row: LogRow, raw: str) -> str | None:
    """VLMEvalKit: the authors' rule; if that is not the right answer, its option matcher."""
    letter = before_bracket(row, raw)
    if letter is not None and letter in row["targets"]:
        return letter
    return vlmevalkit_option(xlsx_roundtrip(raw), options_by_letter(row)) or letter


class MLVU(ChoiceBenchmark):
    name = "mlvu"
    title = "MLVU"
    needs = (
        "MLVU/json/*.json and MLVU/video/ of MLVU/MVLU on the hub (dev), or test_question.json and"
        " video/ of MLVU_Test"
    )
    hub = Hub("MLVU/MVLU", ("MLVU/json/*.json",), ("MLVU/video/*.mp4",))
    readers = {
        "official": before_bracket,
        "lmms-eval": ranked_abcd,
        "vlmevalkit": bracket_or_match,
        "clean": clean,
    }
    prompt_modes = ("official", "lmms-eval")
    system_and_reply = {"official": (SYSTEM, "Best Option: (")}
    splits = ("dev", "test")
    weight_by = "task"

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        if self.split(options) == "test":
            raise ValueError(
                f"mlvu: the test split is not in this repository; required: {self.needs}"
            )
        return super().hub_files(options, media)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        if self.split(options) == "test":
            found = sorted(folder.rglob("test_question.json"))[:1]
            expected = "test_question.json"
        else:
            found = [path for task in DEV_TASKS for path in sorted(folder.rglob(f"{task}.json"))]
            expected = "json/1_plotQA.json or the other six tasks"
        return self.require(found, folder, f"no {expected}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        test = self.split(options) == "test"
        known = ("question_id",) if test else ("answer",)
        for path in self.data_files(folder, options):
            roots = [above / "video" for above in (path.parent, path.parent.parent, folder)]
            videos = VideoFiles(next((root for root in roots if root.is_dir()), roots[-1]))
            rows = read_list(path, ("video", "question", "candidates", "question_type", *known))
            for number, row in enumerate(rows):
                yield self._question(videos, path, number, row, self.prompt_mode(options))

    def _question(
        self, videos: VideoFiles, path: Path, number: int, row: dict[str, Any], mode: str
    ) -> Question:
        choices = [str(choice) for choice in row["candidates"]]
        name = text(row, "video")
        video = videos.find([name] if "question_id" in row else [f"{path.stem}/{name}", name])
        prompt = f"Question: {text(row, 'question')}\nOptions:\n{bracketed(choices)}\n{ONLY}"
        if mode == "lmms-eval":
            prompt = f"{text(row, 'question')}\n{bracketed(choices)}\n{ONLY}\nBest option: ("
        answer = row.get("answer")
        where = f"{path}: entry {number + 1}"
        identity = str(row.get("question_id") or f"{path.stem}-{number:04d}")
        return Question(
            id=identity,
            group=name,
            parts=(
                MediaPart.video_file(video),
                prompt,
            ),
            targets=letter_of(answer, choices, where),
            options=tuple(choices),
            category={"task": text(row, "question_type")},
            extra={"question_id": identity, "question_type": row["question_type"]},
        )

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the pooled accuracy, which VLMEvalKit calls M-Avg."""
        pooled = mean_score(rows, mode)
        return {} if pooled is None else {"pooled accuracy": pooled}
