"""TimeLens-Bench: when does it happen? Charades, ActivityNet and QVHighlights, annotated anew.

arXiv:2512.14698. A model writes the start and the end of an event in seconds; its score is the
intersection over union with the annotated span. The headline, mIoU, is the mean of the three sets;
R1@0.3, 0.5 and 0.7 are the shares of answers with at least that overlap.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.answers.ranked import strip_reasoning
from evaluation.benchmarks.base import Benchmark, Composed, Hub, MediaPart, Options, Question
from evaluation.benchmarks.packed_media import VideoFiles
from evaluation.benchmarks.published import text
from evaluation.json_files import read_json
from evaluation.metrics.spans import clean_span, format_span, overlap, written_spans
from evaluation.runs.log import LogRow
from vlm.conversation import Image, Text, Video

SETS = ("charades", "activitynet", "qvhighlights")
ASK = (
    "Please find the visual event described by the sentence '{}', determining its starting and"
    " ending times. The format should be: 'The event happens in <start time> - <end time> seconds'."
)
LEVELS = (0.3, 0.5, 0.7)


class TimeLens(Benchmark):
    name = "timelens"
    title = "TimeLens-Bench"
    needs = (
        "charades-timelens.json, activitynet-timelens.json and qvhighlights-timelens.json of"
        " TencentARC/TimeLens-Bench on the hub, and its videos, unpacked into videos/ with"
        " tar -xzf SHARD -C videos"
    )
    hub = Hub(
        "TencentARC/TimeLens-Bench",
        tuple(f"{name}-timelens.json" for name in SETS),
        tuple(f"video_shards/{name}/*.tar.gz" for name in SETS),
        unpacked="videos",
    )
    metric = "mIoU"
    modes = ("official", "clean")
    prompt_modes = ("official", "timed")
    splits = ("all", *SETS)
    max_new_tokens = 50
    weight_by = "set"

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        chosen = super().hub_files(options, media)
        split = self.split(options)
        return chosen if split == "all" else tuple(name for name in chosen if split in name)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        split = self.split(options)
        names = SETS if split == "all" else (split,)
        found = [folder / f"{name}-timelens.json" for name in names]
        found = [path for path in found if path.is_file()]
        return self.require(found, folder, f"no *-timelens.json; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        for path in self.data_files(folder, options):
            name = path.stem.removesuffix("-timelens")
            videos = VideoFiles(folder / "videos" / name)
            for video, number, query, span in _events(path):
                yield Question(
                    id=f"{name}-{video}-{number}",
                    group=f"{name}/{video}",
                    parts=(
                        MediaPart.video_file(videos.find([f"{video}.mp4", f"{video}.mkv"])),
                        ASK.format(query),
                    ),
                    targets=() if span is None else (format_span(span),),
                    category={"set": name},
                    extra={"span": None if span is None else list(span)},
                )

    def compose(
        self, question: Question, seen: Sequence[Image | Video], options: Options
    ) -> Composed:
        """In the mode "timed" a sentence lists the frames' times, which no token carries."""
        if self.prompt_mode(options) == "official" or not seen:
            return super().compose(question, seen, options)
        times = [float(t) for video in seen if isinstance(video, Video) for t in video.times]
        listed = ", ".join(f"{time:.1f}" for time in times)
        asked = [part for part in question.parts if isinstance(part, str)]
        return Composed((*seen, Text(f"The frames are from the seconds {listed}. {asked[0]}")))

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        if mode == "clean":
            span = clean_span(strip_reasoning(raw or ""))
            return None if span is None else format_span(span)
        spans = written_spans(raw or "")
        return format_span(spans[0]) if spans else None

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        if not row["targets"]:
            return None
        if answer is None:
            return 0.0
        start, end = answer.split(" - ")
        return overlap((float(start), float(end)), tuple(row["extra"]["span"]))

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the share of all answers that overlap enough, for each level."""
        scores = [row["score"][mode] for row in rows if row["score"].get(mode) is not None]
        if not scores:
            return {}
        return {
            f"R1@{level}": sum(score >= level for score in scores) / len(scores) for level in LEVELS
        }


def _events(path: Path) -> Iterator[tuple[str, int, str, tuple[float, float] | None]]:
    """Yields video, number, description and span. Raises ValueError for another layout."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no videos with spans and queries.")
    for video, about in found.items():
        try:
            pairs = list(zip(about["queries"], about["spans"], strict=True))
            for number, (query, span) in enumerate(pairs):
                yield video, number, _sentence(query), None if span is None else _span(span)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: the events of {video} are malformed ({error!r}).") from error


def _span(value: Any) -> tuple[float, float]:
    start, end = value
    return float(start), float(end)


def _sentence(query: Any) -> str:
    """Returns a description in one line without a full stop, as the authors' loader does."""
    return re.sub(r"\s+", " ", text({"query": query}, "query")).strip().strip(".").strip()
