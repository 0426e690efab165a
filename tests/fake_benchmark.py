"""A benchmark of a few generated clips and images, for tests of running and scoring."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from media_maker import write_video
from PIL import Image

from evaluation.benchmarks.base import Benchmark, MediaPart, Options, Question

LETTERS = "ABCD"


class Fake(Benchmark):
    """Two questions about each clip and image."""

    name = "fake"
    title = "Fake"
    needs = "questions.jsonl, written by make_fake"
    metric = "accuracy"
    modes = ("any", "strict")
    max_new_tokens = 6
    num_frames = 3

    def load(self, folder: Path, options: Options) -> Iterator[Question]:
        for line in (folder / "questions.jsonl").read_text().splitlines():
            item = json.loads(line)
            kind = "video" if item["file"].endswith("mp4") else "image"
            yield Question(
                item["id"],
                item["file"],
                (MediaPart(kind, folder / item["file"]), f"{item['question']}\nAnswer:"),
                (item["answer"],) if item["answer"] else (),
                category={"kind": kind},
            )

    def data_files(self, folder: Path, options: Options) -> list[Path]:
        return [folder / "questions.jsonl"]

    def read(self, row: Any, raw: str, mode: str) -> str | None:
        """Maps every non-empty text to a letter, because random models generate arbitrary text."""
        if mode == "strict":
            return raw if raw in LETTERS and raw else None
        return LETTERS[sum(raw.encode()) % 4] if raw else None

    def score(self, row: Any, answer: str | None, mode: str) -> float | None:
        return float(answer in row["targets"])


def make_fake(folder: Path, clips: int = 2, pictures: int = 3) -> Path:
    """Writes the files of the benchmark."""
    folder.mkdir(parents=True)
    names = []
    for number in range(clips):
        names.append(f"clip{number}.mp4")
        write_video(folder / names[-1], frames=8 + number, size=(64, 48))
    generator = np.random.default_rng(0)
    for number in range(pictures):
        names.append(f"picture{number}.png")
        pixels = generator.integers(0, 255, (40, 60, 3), np.uint8)
        Image.fromarray(pixels).save(folder / names[-1])
    lines = [
        {
            "id": f"{name}-{i}",
            "file": name,
            "question": f"Which one, {'really ' * i}?",
            "answer": LETTERS[(number + i) % 4],
        }
        for number, name in enumerate(names)
        for i in range(2)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def killed_after(count: int) -> None:
    """Makes this process kill itself once the log has so many answers."""
    from evaluation.runs.log import LogWriter

    add, added = LogWriter.add, []

    def add_and_count(log: LogWriter, row: Any) -> None:
        add(log, row)
        added.append(row)
        if len(added) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    LogWriter.add = add_and_count  # type: ignore[method-assign]


if __name__ == "__main__":  # the real command line with an additional benchmark
    from evaluation.__main__ import main
    from evaluation.benchmarks import BENCHMARKS

    BENCHMARKS["fake"] = Fake()
    if "KILLED_AFTER" in os.environ:
        killed_after(int(os.environ["KILLED_AFTER"]))
    sys.exit(main())
