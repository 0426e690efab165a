"""LongVideoBench: questions with up to five options about videos with subtitles (arXiv:2407.15754).

With subtitles, frames and their captions are interleaved chronologically, as the authors do; a run
of frames without captions in between is one video part of the turn. If no letter is found, the
authors draw one at random; here the answer is wrong, so that results are reproducible.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evaluation.benchmarks.base import SUBTITLES, Composed, MediaPart, Options, Question
from evaluation.benchmarks.choices import (
    DIRECTLY,
    LETTERS,
    ChoiceBenchmark,
    clean,
    dotted,
    longvideobench,
    vlmevalkit_letter_to_e,
)
from evaluation.benchmarks.packed_media import Member, VideoFiles, inside
from evaluation.benchmarks.published import parquet_files, read_list, read_parquet, text
from evaluation.json_files import read_json
from vlm.conversation import Image, Part, Text, Video
from vlm.media.subtitles import Caption

KEYS = (
    *("id", "video_id", "video_path", "subtitle_path", "duration", "duration_group", "question"),
    *("question_category", "starting_timestamp_for_subtitles"),
)
SHORTEST = 1.0  # seconds; the authors extend shorter captions to this duration


@dataclass(frozen=True)
class NarratedQuestion(Question):
    """A question with the subtitles of its video."""

    subtitles: Path | None = None
    begins: float = 0.0  # start of the video on the subtitles' clock
    duration: float = 0.0


class LongVideoBench(ChoiceBenchmark):
    name = "longvideobench"
    title = "LongVideoBench"
    needs = (
        "lvb_val.json (or validation-*.parquet), videos/ and subtitles/ of"
        " longvideobench/LongVideoBench on the hub; unpack its parts with"
        " cat videos.tar.part.* | tar x"
    )
    readers = {"official": longvideobench, "vlmevalkit": vlmevalkit_letter_to_e, "clean": clean}
    splits = ("validation", "test")
    max_new_tokens = 32
    has_subtitles = True

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        split = self.split(options)
        names = {"validation": "lvb_val.json", "test": "lvb_test_wo_gt.json"}
        written = folder / names[split]
        found = [written] if written.is_file() else parquet_files(folder, "data", split)
        return self.require(found, folder, f"neither {names[split]} nor {split}-*.parquet")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        files = self.data_files(folder, options)
        if files[0].suffix == ".parquet":
            listed = tuple(f"option{i}" for i in range(5))
            rows = read_parquet(files, (*KEYS, *listed), ("correct_choice",))
        else:
            rows = read_list(files[0], (*KEYS, "candidates"))
        videos = VideoFiles(folder / "videos")
        for row in rows:
            choices = _choices(row)
            right = row.get("correct_choice")
            known = right is not None and 0 <= int(right) < len(choices)
            video = videos.find([text(row, "video_path")])
            yield NarratedQuestion(
                id=text(row, "id"),
                group=text(row, "video_id"),
                parts=(
                    MediaPart.video_file(video),
                    f"{text(row, 'question')}\n{dotted(choices)}\n{DIRECTLY}",
                ),
                targets=(LETTERS[int(right or 0)],) if known else (),
                options=tuple(choices),
                category={
                    "duration_group": text(row, "duration_group"),
                    "question_category": text(row, "question_category"),
                },
                subtitles=inside(folder / "subtitles", text(row, "subtitle_path")),
                begins=float(row["starting_timestamp_for_subtitles"] or 0),
                duration=float(row["duration"] or 0),
            )

    def compose(
        self, question: Question, seen: Sequence[Image | Video], options: Options
    ) -> Composed:
        video = seen[0] if seen else None
        if not options.subtitles or not isinstance(video, Video):
            return super().compose(question, seen, options)
        assert isinstance(question, NarratedQuestion)
        assert question.subtitles is not None
        captions = _captions(question.subtitles, question.begins, question.duration)
        times = [float(time) for time in video.times]
        parts: list[Part] = []
        captions_shown: list[str] = []
        for item in interleave(times, captions, options.subtitle_rule == "official"):
            if isinstance(item, range):
                frames = slice(item.start, item.stop)
                parts.append(Video(video.frames[frames], video.times[frames]))
            else:
                parts.append(Text(item + "\n"))
                captions_shown.append(item)
        question_parts = [Text(part) for part in question.parts if isinstance(part, str)]
        return Composed((*parts, *question_parts), captions=tuple(captions_shown))

    def files(
        self, question: Question, options: Options
    ) -> dict[str, Path | Member | Sequence[Path] | None]:
        found = super().files(question, options)
        if options.subtitles:
            assert isinstance(question, NarratedQuestion)
            found[SUBTITLES + question.group] = question.subtitles
        return found


def interleave(
    times: Sequence[float], captions: Sequence[Caption], official: bool
) -> Iterator[range | str]:
    """Yields runs of frames and the captions that match a frame, in chronological order.

    In the authors' rule a caption follows the frames up to its midpoint; in ours it precedes the
    first frame at which it is displayed.
    """
    done = 0
    for caption in sorted(captions, key=lambda caption: (caption.start, caption.end)):
        start, end = caption.start, caption.end
        if official:
            middle = (start + end) / 2
            if end - start < SHORTEST:
                start, end = middle - SHORTEST / 2, middle + SHORTEST / 2
            displayed = any(start < time < end for time in times)
            before = sum(time <= middle for time in times)
        else:
            displayed = any(start <= time < end for time in times)
            before = sum(time < start for time in times)
        if not displayed:
            continue
        if before > done:
            yield range(done, before)
            done = before
        yield caption.text
    if done < len(times):
        yield range(done, len(times))


def _choices(row: Mapping[str, Any]) -> list[str]:
    if "candidates" in row:
        return [str(choice) for choice in row["candidates"] or ()]
    listed = [row[f"option{i}"] for i in range(5)]
    return [str(choice) for choice in listed if choice not in (None, "N/A")]


@lru_cache(maxsize=8)
def _captions(path: Path, begins: float, duration: float) -> list[Caption]:
    """Reads either format of subtitles: start, end and line; or a timestamp pair and text."""
    found = []
    listed = read_json(path)
    if not isinstance(listed, list):
        raise ValueError(f"{path} holds no list of captions.")
    for row in listed:
        try:
            if "timestamp" in row:
                start, end = row["timestamp"]
                end = duration + begins if end is None else end
                line = row["text"]
            else:
                start, end = _seconds(row["start"]), _seconds(row["end"])
                line = row["line"]
            found.append(Caption(float(start) - begins, float(end) - begins, str(line)))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: a caption lacks its times or text ({error!r}).") from error
    return found


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
