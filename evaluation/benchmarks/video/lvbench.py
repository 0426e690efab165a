"""LVBench: questions about films of half an hour to more than two hours (arXiv:2406.08035).

A question tests one or more of six abilities; its score counts in each, as in the authors' script.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.answers.bracket import first_character
from evaluation.benchmarks.base import Hub, MediaPart, Options, Question
from evaluation.benchmarks.choices import ChoiceBenchmark, clean, mean_score, ranked_abcd
from evaluation.benchmarks.packed_media import named_videos
from evaluation.benchmarks.published import read_lines, text
from evaluation.runs.log import LogRow

ANSWERS = "video_info.meta.jsonl"
OPTION = re.compile(r"\n\(([A-D])\)\s*")
LETTER = "Answer the question with the option letter"  # lmms-eval's, without a full stop


def official(row: LogRow, raw: str) -> str | None:
    return first_character(raw)


class LVBench(ChoiceBenchmark):
    name = "lvbench"
    title = "LVBench"
    needs = (
        f"{ANSWERS} of zai-org/LVBench on the hub and the films, which are on YouTube, each saved"
        " as KEY.mp4 by its YouTube id, in this folder or below it"
    )
    hub = Hub("zai-org/LVBench", (ANSWERS,))
    readers = {"official": official, "lmms-eval": ranked_abcd, "clean": clean}
    prompt_modes = ("lmms-eval",)

    def hub_files(self, options: Options, media: bool) -> tuple[str, ...]:
        if media:
            raise ValueError(
                f"lvbench: --hub has its questions alone (--no-media); required in a folder:"
                f" {self.needs}"
            )
        return super().hub_files(options, media)

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        found = [path for path in (folder / ANSWERS, folder / "data" / ANSWERS) if path.is_file()]
        return self.require(found[:1], folder, f"no {ANSWERS}; needed are {self.needs}")

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        videos = named_videos(folder)
        (path,) = self.data_files(folder, options)
        for row in read_lines(path, ("key", "qa")):
            name = f"{text(row, 'key')}.mp4"
            for asked in row["qa"]:
                question = text(asked, "question")
                choices = OPTION.split(question)[2::2]
                if len(choices) != 4:
                    raise ValueError(
                        f"{path}: question {asked.get('uid')} has {len(choices)} options, not 4."
                    )
                kinds = asked.get("question_type") or []
                yield Question(
                    id=text(asked, "uid"),
                    group=text(row, "key"),
                    parts=(
                        MediaPart.video_file(videos.get(name.lower(), folder / "videos" / name)),
                        f"{question}\n{LETTER}",
                    ),
                    targets=(text(asked, "answer"),) if asked.get("answer") is not None else (),
                    options=tuple(choice.strip() for choice in choices),
                    category={"video_type": str(row.get("type") or "none")},
                    extra={
                        "question_type": [str(kind) for kind in kinds],
                        "time_reference": str(asked.get("time_reference") or ""),
                    },
                )

    def aggregate(self, rows: Sequence[LogRow], mode: str) -> dict[str, float]:
        """Returns the accuracy of each ability."""
        kinds = sorted({kind for row in rows for kind in row["extra"]["question_type"]})
        found = {}
        for kind in kinds:
            value = mean_score([r for r in rows if kind in r["extra"]["question_type"]], mode)
            if value is not None:
                found[kind] = value
        return found
