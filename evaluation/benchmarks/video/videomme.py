"""Video-MME: 2,700 questions with four options on 900 videos of 11 seconds to an hour.

arXiv:2405.21075. Files, prompts and answer extraction differ between the authors' script, lmms-eval
and VLMEvalKit; all three are available by name. The letter rules are in `evaluation.answers`, the
matching of subtitles to frames in `evaluation.benchmarks.subtitles`. Frames are sampled by our own
rule in every mode: a prompt mode reproduces a harness's wording, not its choice of frames.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evaluation.benchmarks.base import SUBTITLES, Composed, Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import (
    ChoiceBenchmark,
    clean,
    ranked_abcd,
    video_mme,
    vlmevalkit_letter,
)
from evaluation.benchmarks.packed_media import Member, VideoFiles
from evaluation.benchmarks.published import read_parquet, text
from evaluation.benchmarks.subtitles import RULES
from vlm.conversation import Image, Text, Video
from vlm.media.subtitles import Caption, read_subtitles

DURATIONS = ("short", "medium", "long")
COLUMNS = (
    *("video_id", "duration", "domain", "sub_category", "videoID", "question_id", "task_type"),
    *("question", "options", "answer"),
)
LETTER_ONLY = "Respond with only the letter (A, B, C, or D) of the correct option."
SELECT = "Select the best answer to the following multiple-choice question based on the video"


@dataclass(frozen=True)
class VideoQuestion(Question):
    """A question with the components of its prompt."""

    body: str = ""  # the question and its options
    subtitles: Path | Member | None = None


def prompt(mode: str, body: str, subtitled: bool, found: bool, captions: Sequence[str]) -> str:
    """Returns the text after the video. `found`: the video has a subtitle file."""
    spoken = "\n".join(captions)
    if mode == "lmms-eval":
        listed = ""
        last = "\nAnswer with the option's letter from the given choices directly."
        if subtitled:
            spoken = spoken if found else "No subtitles available"
            listed = f"This video's subtitles are listed below: \n{spoken}\n"
            last = "The best answer is:"
        return f"{listed}{SELECT} and the subtitles. {LETTER_ONLY}\n{body}\n{last}"
    if mode == "vlmevalkit":
        listed = f"This video's subtitles are listed below:\n{spoken}\n" if subtitled else ""
        shown = f"\nThese are the frames of a video. {listed}{SELECT}. {LETTER_ONLY}\n"
        return f"{shown}Question: {body}\nAnswer: "
    listed = f"This video's subtitles are listed below:\n{spoken}\n" if captions else ""
    return f"{listed}{SELECT}. {LETTER_ONLY}\n{body}\nThe best answer is:"


class VideoMME(ChoiceBenchmark):
    name = "videomme"
    title = "Video-MME"
    needs = (
        "videomme/test-00000-of-00001.parquet, videos_chunked_01.zip to _20.zip (or their videos in"
        " data/) and subtitle.zip (or subtitle/) of lmms-lab/Video-MME on the hub"
    )
    hub = Hub("lmms-lab/Video-MME", ("videomme/test-*.parquet",), ("videos_chunked_*.zip",))
    readers = {
        "official": video_mme,
        "lmms-eval": ranked_abcd,
        "vlmevalkit": vlmevalkit_letter,
        "clean": clean,
    }
    drops_unanswered = frozenset(["official"])
    prompt_modes = ("official", "lmms-eval", "vlmevalkit")
    splits = ("test", *DURATIONS)
    has_subtitles = True

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        return super().hub_files(options, media) + ("subtitle.zip",) * options.subtitles

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = sorted((folder / "videomme").glob("test-*.parquet"))
        found = found or sorted(folder.glob("test-*.parquet"))
        return self.require(found, folder, f"no videomme/test-*.parquet; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        unpacked = folder / ("video" if (folder / "video").is_dir() else "data")
        videos = VideoFiles(unpacked, sorted(folder.glob("videos_chunked_*.zip")))
        packed = folder / "subtitle.zip"
        subtitles = VideoFiles(folder / "subtitle", [packed] if packed.is_file() else [])
        split, mode = self.split(options), self.prompt_mode(options)
        for row in read_parquet(self.data_files(folder, options), COLUMNS):
            if split in DURATIONS and row["duration"] != split:
                continue
            name, choices = text(row, "videoID"), [str(option) for option in row["options"] or ()]
            if len(choices) != 4:
                raise ValueError(
                    f"videomme: question {row['question_id']} has {len(choices)} options, not 4."
                )
            video = videos.find([f"{name}.{ending}" for ending in ("mp4", "MP4", "mkv")])
            srt = subtitles.find([f"{name}.srt"]) if options.subtitles else None
            body = "\n".join([text(row, "question"), *choices])
            yield VideoQuestion(
                id=text(row, "question_id"),
                group=name,
                parts=(
                    MediaPart.video_file(video),
                    prompt(mode, body, False, False, ()),
                ),
                targets=(text(row, "answer"),) if row["answer"] is not None else (),
                options=tuple(re.sub(r"^[A-D]\.\s*", "", choice) for choice in choices),
                category={
                    key: text(row, key)
                    for key in ("duration", "domain", "sub_category", "task_type")
                },
                extra={
                    "video_id": row["video_id"],
                    "question": row["question"],
                    "options": choices,
                },
                body=body,
                subtitles=srt if isinstance(srt, Member) or (srt and srt.is_file()) else None,
            )

    def compose(
        self, question: Question, seen: Sequence[Image | Video], options: Options
    ) -> Composed:
        """Adds the subtitles of the sampled frames; none if asked blind."""
        if not options.subtitles:
            return super().compose(question, seen, options)
        assert isinstance(question, VideoQuestion)
        captions: tuple[str, ...] = ()
        if question.subtitles is not None and seen:
            times = [float(t) for video in seen if isinstance(video, Video) for t in video.times]
            captions = RULES[options.subtitle_rule](_captions(question.subtitles), times)
        found = question.subtitles is not None
        words = prompt(self.prompt_mode(options), question.body, True, found, captions)
        return Composed((*seen, Text(words)), captions=captions)

    def wording(self, question: Question, options: Options) -> Composed:
        """Includes the sentence that announces captions."""
        assert isinstance(question, VideoQuestion)
        captions = ("[captions]",) * options.subtitles
        mode = self.prompt_mode(options)
        words = prompt(mode, question.body, options.subtitles, True, captions)
        return Composed((Text(words),))

    def files(
        self, question: Question, options: Options
    ) -> dict[str, Path | Member | Sequence[Path] | None]:
        found = super().files(question, options)
        if options.subtitles:
            assert isinstance(question, VideoQuestion)
            found[SUBTITLES + question.group] = question.subtitles
        return found


@lru_cache(maxsize=8)  # three questions share a video
def _captions(where: Path | Member) -> list[Caption]:
    return read_subtitles(where.unpack() if isinstance(where, Member) else where)
