"""MotionBench: fine-grained motion in short videos, six kinds of questions (arXiv:2501.02955).

About half of the questions, the dev set, have public answers; the others are marked "NA" and belong
to the leaderboard's test set. The authors publish no prompt; lmms-eval's is used.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.answers.bracket import first_character
from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import ChoiceBenchmark, clean
from evaluation.benchmarks.packed_media import named_videos
from evaluation.benchmarks.published import read_lines, text
from evaluation.runs.log import LogRow

ANSWERS = "video_info.meta.jsonl"
SECRET = "NA"
OPTION = re.compile(r"(?:^|\n)\s*([A-F])[.):]\s*(.*?)\s*(?=\n\s*[A-F][.):]\s|$)", re.DOTALL)
LETTER_ONLY = "Answer with only the option letter (A, B, C, D, E, or F)."
PHRASES = (
    *("THE BEST ANSWER IS", "THE CORRECT ANSWER IS", "THE ANSWER IS", "BEST ANSWER:"),
    "ANSWER:",
)
PLACES = (re.compile(r"\b([A-F])\b"), re.compile(r"([A-F])[.):]"), re.compile(r"([A-F])"))


def official(row: LogRow, raw: str) -> str | None:
    return first_character(raw)


def lmms(row: LogRow, raw: str) -> str | None:
    """lmms-eval: a separate letter in any case, then one with a mark behind it, then any."""
    answer = strip_reasoning(raw).split("</think>")[-1].strip().upper()
    for phrase in PHRASES:
        answer = answer.replace(phrase, "")
    found = (place.search(answer) for place in PLACES)
    return next((match[1] for match in found if match), None)


class MotionBench(ChoiceBenchmark):
    name = "motionbench"
    title = "MotionBench"
    needs = (
        f"{ANSWERS} of zai-org/MotionBench on the hub and its videos, in this folder or below it;"
        " the videos from public data sets come from their own sites"
    )
    hub = Hub("zai-org/MotionBench", (ANSWERS,), ("*.mp4",))
    readers = {"official": official, "lmms-eval": lmms, "clean": clean}
    prompt_modes = ("lmms-eval",)
    splits = ("dev", "test")
    max_new_tokens = 64

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = [path for path in (folder / ANSWERS, folder / "data" / ANSWERS) if path.is_file()]
        return self.require(found[:1], folder, f"no {ANSWERS}; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        videos = named_videos(folder)
        secret = self.split(options) == "test"
        (path,) = self.data_files(folder, options)
        for row in read_lines(path, ("question_type", "video_path", "qa")):
            for asked in row["qa"]:
                if (asked.get("answer") == SECRET) == secret:
                    yield _question(videos, folder, row, asked, str(path))


def _question(
    videos: dict[str, Path], folder: Path, row: dict[str, Any], asked: dict[str, Any], where: str
) -> Question:
    body, options = split_options(text(asked, "question"))
    answer = asked.get("answer")
    letters = "ABCDEF"[: len(options)]
    if not options or (answer not in (None, SECRET) and answer not in tuple(letters)):
        raise ValueError(
            f"{where}: question {asked.get('uid')} has {len(options)} options and the answer"
            f" {answer!r}."
        )
    name = Path(text(row, "video_path")).name
    listed = "\n".join(f"{letter}. {o}" for letter, o in zip(letters, options, strict=True))
    return Question(
        id=text(asked, "uid"),
        group=name,
        parts=(
            MediaPart.video_file(videos.get(name.lower(), folder / name)),
            f"{body}\n{listed}\n{LETTER_ONLY}",
        ),
        targets=() if answer in (None, SECRET) else (str(answer),),
        options=options,
        category={
            "question_type": text(row, "question_type"),
            "video_type": str(row.get("video_type") or "none"),
        },
    )


def split_options(question: str) -> tuple[str, tuple[str, ...]]:
    """Parts a question from the options behind it; spaces and line breaks become single spaces."""
    found = list(OPTION.finditer(question.strip()))
    body = question.strip()[: found[0].start()] if found else question
    return " ".join(body.split()), tuple(" ".join(match[2].split()) for match in found)
