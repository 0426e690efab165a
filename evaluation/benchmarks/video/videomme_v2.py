"""Video-MME-v2: 3,200 questions with eight options in groups of four, on 800 videos.

arXiv:2604.05015. A group counts as a whole, and not in proportion to its right answers: "relevance"
groups by the square of their number, "logic" groups by how far the chain of questions is right from
the start. The headline is the mean over groups; plain accuracy is reported beside it.

The authors' script marks an answer without a letter with -1 and adds the marks up: such an answer
takes a right one away from a relevance group, and passes for right in a chain. The mode "official"
reproduces that. The default is lmms-eval's, in which an answer without a letter is wrong; where
every answer has a letter, the two agree.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evaluation.answers.first_letter import first_letter
from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import SUBTITLES, Composed, Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import ChoiceBenchmark, clean, mean_score
from evaluation.benchmarks.packed_media import Member, VideoFiles
from evaluation.benchmarks.published import read_parquet, text
from evaluation.benchmarks.word_subtitles import between, read_words, sentences
from evaluation.runs.log import LogRow
from vlm.conversation import Image, Part, Text, Video
from vlm.media.subtitles import Caption

COLUMNS = (
    *("video_id", "group_type", "group_structure", "question_id", "question", "options", "answer"),
    *("level", "second_head", "third_head"),
)
OF_GROUP = ("level", "second_head", "third_head")  # set on one question of a group, or on each
LETTERS = "ABCDEFGH"
GROUP_SIZE = 4
PHRASES = (
    *("Final Answer:", "The best answer is", "The correct answer is", "The answer is"),
    *("The answer", "The best option is", "The correct option is", "Best answer:", "Best option:"),
    *("Answer:", "Option:"),
)

# Right answers in a relevance group -> its value.
QUADRATIC = (0.0, 1 / 16, 4 / 16, 9 / 16, 1.0)
# Structure of a logic group -> value by the length of the chain that is right. In an inner list the
# order does not matter: the second of the two may stand for the first.
CHAINS: dict[str, tuple[float, ...]] = {
    "[1, 2, 3, 4]": QUADRATIC,
    "[1, [2, 3], 4]": (0.0, 1 / 12, 4 / 12, 7 / 12, 1.0),
    "[[1, 2], 3, 4]": (0.0, 1 / 10, 2 / 10, 5 / 10, 1.0),
}
# Structure -> (length, question): at this length the question, if right, makes the chain longer.
STAND_IN = {"[1, [2, 3], 4]": (1, 2), "[[1, 2], 3, 4]": (0, 1)}

SELECT = "Select the best answer to the following multiple-choice question based on the video."
ONLY = "Respond with only the letter (A, B, C, D, E, F, G, or H) of the correct option."
REASON = (
    "Please perform a detailed reasoning based on the provided video frames to answer the following"
    " multiple-choice question selecting the best option from A through H and providing your final"
    " response strictly in the format: 'Final Answer: <letter>."
)
FRAMES = "These are the frames of a video."
BETWEEN_FRAMES = (
    "These are the frames of a video with corresponding subtitles shown between frames. The"
    " subtitles indicate what is being said during the time interval between adjacent frames."
)
LISTED = "This video's subtitles are listed below:\n"


@dataclass(frozen=True)
class GroupedQuestion(Question):
    """A question with the components of its prompt."""

    body: str = ""  # the question and its options
    subtitles: Path | Member | None = None


def relevance_value(marks: Sequence[int]) -> float:
    """Returns the value of a relevance group, 0 to 1; marks are 1, 0, or (official) -1."""
    right = sum(marks)
    return QUADRATIC[right] if 0 <= right < len(QUADRATIC) else 0.0


def logic_value(marks: Sequence[int], structure: str) -> float:
    """Returns the value of a logic group, 0 to 1. Raises ValueError for an unknown structure."""
    name = json.dumps(json.loads(structure))
    if name not in CHAINS:
        raise ValueError(f"the group structure {structure!r} is none of {', '.join(CHAINS)}.")
    length = next((i for i, mark in enumerate(marks) if not mark), len(marks))
    needed, question = STAND_IN.get(name, (-1, 0))
    if length == needed and marks[question]:
        length += 1
    return CHAINS[name][length]


def official(row: LogRow, raw: str) -> str | None:
    return first_letter(raw, PHRASES, LETTERS)


def lmms(row: LogRow, raw: str) -> str | None:
    return first_letter(strip_reasoning(raw), PHRASES, LETTERS)


class VideoMMEv2(ChoiceBenchmark):
    name = "videomme_v2"
    title = "Video-MME-v2"
    needs = (
        "test.parquet, videos/*.zip (or their videos in video/) and subtitle.zip (or subtitle/) of"
        " MME-Benchmarks/Video-MME-v2 on the hub"
    )
    hub = Hub("MME-Benchmarks/Video-MME-v2", ("test.parquet",), ("videos/*.zip",))
    metric = "group score"
    readers = {"lmms-eval": lmms, "official": official, "clean": clean}
    prompt_modes = ("official", "lmms-eval", "interleaved", "reasoning")
    max_new_tokens = 64
    num_frames = 64
    has_subtitles = True

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        return super().hub_files(options, media) + ("subtitle.zip",) * options.subtitles

    def check(self, options: Options) -> None:
        super().check(options)
        if options.prompt_mode == "interleaved" and not options.subtitles:
            raise ValueError("--prompt interleaved shows subtitles; add --subtitles.")

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = sorted(folder.glob("test.parquet")) or sorted(folder.glob("*/test-*.parquet"))
        return self.require(found, folder, f"no test.parquet; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        videos = VideoFiles(folder / "video", sorted((folder / "videos").glob("*.zip")))
        packed = folder / "subtitle.zip"
        spoken = VideoFiles(folder / "subtitle", [packed] if packed.is_file() else [])
        rows = list(read_parquet(self.data_files(folder, options), COLUMNS))
        shared = _of_groups(rows)
        for row in rows:
            name = _name(row)
            body = f"{text(row, 'question')}\n{_listed(row['options'])}"
            found = spoken.find([f"{name}.jsonl", f"subtitle/{name}.jsonl"])
            video = videos.find([f"{name}.{ending}" for ending in ("mp4", "MP4", "mkv")])
            yield GroupedQuestion(
                id=text(row, "question_id"),
                group=name,
                parts=(MediaPart.video_file(video), _prompt(self.prompt_mode(options), body)),
                targets=(text(row, "answer"),) if row["answer"] is not None else (),
                options=_options(row),
                category={"group_type": text(row, "group_type"), **shared[name]},
                extra={
                    "number": int(text(row, "question_id").rsplit("-", 1)[-1]),
                    "structure": str(row["group_structure"]),
                },
                body=body,
                subtitles=found if isinstance(found, Member) or found.is_file() else None,
            )

    def compose(
        self, question: Question, seen: Sequence[Image | Video], options: Options
    ) -> Composed:
        """Adds the subtitles: all words in one text, or between the frames; none if asked blind."""
        assert isinstance(question, GroupedQuestion)
        if not options.subtitles or question.subtitles is None or not seen:
            return super().compose(question, seen, options)
        words = _words(question.subtitles)
        mode = self.prompt_mode(options)
        video = seen[0]
        if mode == "interleaved" and isinstance(video, Video):
            parts, captions = _interleaved(video, sentences(words))
            return Composed((*parts, Text(_prompt(mode, question.body))), captions=captions)
        spoken = " ".join(word.text for word in words)
        return Composed((*seen, Text(_prompt(mode, question.body, spoken))), captions=(spoken,))

    def files(
        self, question: Question, options: Options
    ) -> dict[str, Path | Member | Sequence[Path] | None]:
        found = super().files(question, options)
        if options.subtitles:
            assert isinstance(question, GroupedQuestion)
            found[SUBTITLES + question.group] = question.subtitles
        return found

    def units(self, rows: Sequence[LogRow], mode: str) -> list[tuple[str, float | None]]:
        """Returns (video, value) of each group; None for one whose four answers are not there."""
        groups: dict[str, list[LogRow]] = {}
        for row in rows:
            groups.setdefault(row["group"], []).append(row)
        return [(name, group_value(found, mode)) for name, found in groups.items()]

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns plain accuracy, and the mean of each sort of group."""
        plain = mean_score(rows, mode)
        found = {} if plain is None else {"plain accuracy": plain}
        for kind in ("relevance", "logic"):
            of_kind = [row for row in rows if row["category"]["group_type"] == kind]
            values = [value for _, value in self.units(of_kind, mode) if value is not None]
            if values:
                found[f"{kind} groups"] = sum(values) / len(values)
        return found


def group_value(rows: Sequence[LogRow], mode: str) -> float | None:
    """Returns the value of a group, 0 to 1; None if a question or a public answer is missing."""
    ordered = sorted(rows, key=lambda row: row["extra"]["number"])
    scores = [row["score"].get(mode) for row in ordered]
    if len(scores) != GROUP_SIZE or None in scores:
        return None
    marks = [int(score or 0) for score in scores]
    if mode == "official":  # see above
        marks = [
            -1 if row["extracted"][mode] is None else mark
            for row, mark in zip(ordered, marks, strict=True)
        ]
    if ordered[-1]["category"]["group_type"] == "logic":
        return logic_value(marks, ordered[-1]["extra"]["structure"])
    return relevance_value(marks)


def _prompt(mode: str, body: str, spoken: str = "") -> str:
    """Returns the text after the video, with all spoken words if there are any."""
    if mode == "lmms-eval":
        listed = f"{LISTED}{spoken}\n\n" if spoken else ""
        return f"{listed}Question: {body}\n{SELECT} {ONLY}"
    frames = BETWEEN_FRAMES if mode == "interleaved" else FRAMES
    listed = f" {LISTED}{spoken}\n" if spoken else ""
    last = REASON if mode == "reasoning" else f"{SELECT} {ONLY}"
    return f"{frames}{listed}\nQuestion: {body}\n{last}"


def _interleaved(
    video: Video, captions: Sequence[Caption]
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Returns each frame followed by the sentences up to the next one, and the sentences."""
    parts: list[Part] = []
    spoken: list[str] = []
    times = [float(time) for time in video.times]
    for i, (start, end) in enumerate(zip(times, [*times[1:], float("inf")], strict=True)):
        parts.append(Video(video.frames[i : i + 1], video.times[i : i + 1]))
        for one in between(captions, start, end):
            line = f"[Subtitle {one.start:.2f}s - {one.end:.2f}s]: {one.text}"
            parts.append(Text(f"{line}\n"))
            spoken.append(line)
    return tuple(parts), tuple(spoken)


def _of_groups(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Returns video -> level and heads of its group."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        known = {key: str(row[key]) for key in OF_GROUP if row[key] not in (None, "", "None")}
        found.setdefault(_name(row), {}).update(known)
    return found


def _name(row: dict[str, Any]) -> str:
    """Returns the stem of the video's files: numbers have three digits."""
    name = text(row, "video_id").strip()
    return name.zfill(3) if name.isdigit() else name


def _listed(options: Any) -> str:
    return options if isinstance(options, str) else "\n".join(map(str, options or ()))


def _options(row: dict[str, Any]) -> tuple[str, ...]:
    lines = [line for line in _listed(row["options"]).splitlines() if line.strip()]
    if len(lines) != len(LETTERS):
        raise ValueError(
            f"videomme_v2: question {row['question_id']} has {len(lines)} options, not 8."
        )
    return tuple(re.sub(r"^\s*[A-H][.)]\s*", "", line) for line in lines)


@lru_cache(maxsize=8)  # four questions share a video
def _words(where: Path | Member) -> list[Caption]:
    return read_words(where.unpack() if isinstance(where, Member) else where)
