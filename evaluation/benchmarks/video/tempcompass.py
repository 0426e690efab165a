"""TempCompass: action, direction, speed, order and change of attributes (arXiv:2403.00476).

Three tasks of four: multiple choice, yes or no, and caption matching; free captions need a language
model as judge. So do answers that the authors' rules do not match: here they are wrong, as with
their --disable_llm. The headline is the mean of the tasks; pooled accuracy is reported beside it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.answers.clean import clean_choice
from evaluation.answers.ranked import strip_reasoning
from evaluation.answers.yes_no import clean_yes_no
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import ChoiceBenchmark, mean_score
from evaluation.benchmarks.packed_media import VideoFiles
from evaluation.benchmarks.published import read_parquet, text
from evaluation.json_files import read_json
from evaluation.runs.log import LogRow

COLUMNS = ("video_id", "question", "answer", "dim")
# Task -> what follows the question.
TASKS = {
    "multi-choice": "\nPlease directly give the best option:",
    "yes_no": "\nPlease answer yes or no:",
    "caption_matching": "\nPlease directly give the best option:",
}
KINDS = re.compile(r"Sentence |Option |Caption ")


def letter_in_front(raw: str, row: LogRow) -> str | None:
    """Multiple choice: the answer itself, a bare letter, or one followed by "." or ")"."""
    if raw in row["targets"] or raw in ("A", "B", "C", "D"):
        return raw[0]
    return raw[0] if re.match(r"[ABCD][.)]", raw) else None


def yes_or_no(raw: str, row: LogRow) -> str | None:
    start = raw.lower()
    return "yes" if start.startswith("yes") else "no" if start.startswith("no") else None


def matched_caption(raw: str, row: LogRow) -> str | None:
    """Caption matching: the whole option, its sentence or its label. Of several the last counts:
    labels before sentences, sentences before whole options.
    """
    lines = row["extra"]["lines"]
    behind = raw.split(") ")[1] if ") " in raw else None
    found = None
    for number, line in enumerate(lines):
        if line == raw:
            found = number
    for number, line in enumerate(lines):
        if line.split(": ")[1] in (raw, behind):
            found = number
    labels = [line.split(": ")[0] for line in lines]
    for number, label in [*enumerate(labels), *enumerate(KINDS.sub("", one) for one in labels)]:
        if label in (raw, raw.replace(".", "")):
            found = number
    return None if found is None else lines[found]


RULES = {
    "multi-choice": letter_in_front,
    "yes_no": yes_or_no,
    "caption_matching": matched_caption,
}


def official(row: LogRow, raw: str) -> str | None:
    raw = raw.replace("</s>", "")
    task = row["category"]["task"]
    return RULES[task](raw.strip() if task == "caption_matching" else raw, row)


def lmms(row: LogRow, raw: str) -> str | None:
    return RULES[row["category"]["task"]](strip_reasoning(raw), row)


def clean(row: LogRow, raw: str) -> str | None:
    """Returns the letter, the word or the option that a reader would infer."""
    task = row["category"]["task"]
    if task == "yes_no":
        return clean_yes_no(raw)
    if task == "caption_matching":  # "Option 2" is the second, as "Sentence B" is
        raw = re.sub(r"(?i)\b(?:option|caption|sentence) ?([12])\b", _lettered, raw.strip())
        raw = {"1": "A", "2": "B"}.get(raw.strip(" ."), raw)
    letter = clean_choice(raw, row["options"])
    if letter is None or task == "multi-choice":
        return letter
    lines: list[str] = row["extra"]["lines"]
    return lines["ABCD".index(letter)]


class TempCompass(ChoiceBenchmark):
    name = "tempcompass"
    title = "TempCompass"
    needs = (
        "multi-choice/, yes_no/, caption_matching/ (test-*.parquet) and tempcompass_videos.zip of"
        " lmms-lab/TempCompass on the hub, or questions/*.json and videos/ of the authors"
    )
    hub = Hub(
        "lmms-lab/TempCompass",
        tuple(f"{task}/test-*.parquet" for task in TASKS),
        ("tempcompass_videos.zip",),
    )
    readers = {"official": official, "lmms-eval": lmms, "clean": clean}
    splits = ("all", *TASKS)
    max_new_tokens = 64
    weight_by = "task"

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = [path for task in self._tasks(options) for path in _files(folder, task)]
        return self.require(found, folder, f"no questions; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        packed = folder / "tempcompass_videos.zip"
        videos = VideoFiles(folder / "videos", [packed] if packed.is_file() else [])
        self.data_files(folder, options)
        for task in self._tasks(options):
            numbers: dict[str, int] = {}
            for row in _rows(_files(folder, task)):
                video = text(row, "video_id")
                numbers[video] = numbers.get(video, -1) + 1
                yield _question(videos, task, video, numbers[video], row)

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if not row["targets"]:
            return None
        right = row["targets"][0]
        return float(answer == (right[:1] if row["category"]["task"] == "multi-choice" else right))

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the accuracy over all questions, whatever their task."""
        pooled = mean_score(rows, mode)
        return {} if pooled is None else {"pooled accuracy": pooled}

    def _tasks(self, options: Options) -> tuple[str, ...]:
        split = self.split(options)
        return tuple(TASKS) if split == "all" else (split,)


def _question(
    videos: VideoFiles, task: str, video: str, number: int, row: dict[str, Any]
) -> Question:
    question = text(row, "question")
    lines = [line for line in question.split("\n")[1:] if line.strip()]
    if task == "caption_matching" and any(": " not in line for line in lines):
        raise ValueError(f'tempcompass: an option of {video} has no label: "{question}".')
    options = [re.split(r"^[A-D]\. ?|^[^:]+: ", line)[-1] for line in lines]
    return Question(
        id=f"{task}-{video}-{number}",
        group=video,
        parts=(MediaPart.video_file(videos.find([f"{video}.mp4"])), question + TASKS[task]),
        targets=() if row["answer"] is None else (text(row, "answer"),),
        options=tuple(options),
        category={"task": task, "dimension": text(row, "dim")},
        extra={"lines": lines},
    )


def _files(folder: Path, task: str) -> list[Path]:
    found = sorted((folder / task).glob("test-*.parquet"))
    written = folder / "questions" / f"{task}.json"
    return found or [written] * written.is_file()


def _rows(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    if files and files[0].suffix == ".parquet":
        yield from read_parquet(files, COLUMNS)
        return
    for path in files:
        found = read_json(path)
        try:
            for video, dimensions in found.items():
                for dim, questions in dimensions.items():
                    for row in questions:
                        yield {"video_id": video, "dim": dim, **row, "answer": row["answer"]}
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} holds no questions by video and dimension ({error!r})."
            ) from error


def _lettered(found: re.Match[str]) -> str:
    return "AB"[int(found[1]) - 1]
