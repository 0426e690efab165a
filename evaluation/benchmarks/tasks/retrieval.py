"""Retrieval between videos and sentences: MSR-VTT, DiDeMo.

    t2v-R@1, 5, 10     share of sentences whose video is among the first; the mean over a video's
                       sentences stands for it
    v2t-R@1, 5, 10     share of videos that have one of their sentences among the first

The gallery is the whole split, so only a complete run has a result. Equal similarities count
against the right one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.tasks.annotations import Captioned
from evaluation.benchmarks.base import Question
from evaluation.benchmarks.tasks.base import (
    TaskBenchmark,
    answer_of,
    clip_of,
    group_of,
    unpack_array,
)
from evaluation.metrics.ranking import median_rank, recall, text_to_video, video_to_text
from evaluation.runs.log import LogRow

DEPTHS = (1, 5, 10)
WAYS = ("t2v", "v2t")
NAMES = {"t2v": "text to video", "v2t": "video to text"}


class RetrievalBenchmark(TaskBenchmark):
    """One clip and its sentences."""

    encoder_task = "retrieval"
    has_views = True
    metric = "recall"
    follows = "ranks of cosines in the whole split; a tie counts against the right one"
    modes = tuple(f"{way}-R@{k}" for way in WAYS for k in DEPTHS)

    def question(self, one: Captioned, classes: Sequence[str]) -> Question:
        return Question(one.id, group_of(one), (clip_of(one), *one.texts), one.texts)

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        return f"a feature of {len(unpack_array(answer_of(raw)['video']))} numbers"

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        """Returns None: `together` ranks a video among all others."""
        return None

    def together(self, rows: Sequence[LogRow]) -> list[LogRow]:
        """Scores every video by its ranks among all rows that have an answer."""
        answered = [row for row in rows if not row["error"]]
        if not answered:
            return list(rows)
        owners, of_text, of_video = _ranks(answered)
        scores = {
            row["id"]: {
                **{f"t2v-R@{k}": recall(of_text[owners == i], k) for k in DEPTHS},
                **{f"v2t-R@{k}": float(of_video[i] <= k) for k in DEPTHS},
            }
            for i, row in enumerate(answered)
        }
        return [{**row, "score": scores.get(row["id"], row["score"])} for row in rows]

    def tables(self, rows: Sequence[LogRow]) -> list[str]:
        """Returns the ranks, which are not shares: median and mean."""
        if not rows:
            return []
        _, *both = _ranks(rows)
        lines = [f"| {self.title} | median rank | mean rank | of |", "|---|---:|---:|---:|"]
        for way, ranks, others in zip(WAYS, both, (len(rows), len(both[0])), strict=True):
            name = NAMES[way]
            lines.append(f"| {name} | {median_rank(ranks):g} | {ranks.mean():.2f} | {others:,} |")
        return lines


def _ranks(
    rows: Sequence[LogRow],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the video of each text [N], the ranks of the texts [N] and of the videos [M]."""
    answers = [answer_of(row["raw"]) for row in rows]
    videos = np.stack([unpack_array(answer["video"]) for answer in answers])  # [M, P]
    of_texts = [unpack_array(answer["texts"], videos.shape[1]) for answer in answers]
    texts = np.concatenate(of_texts)  # [N, P]
    owners = np.repeat(np.arange(len(rows)), [len(one) for one in of_texts])
    # In float64, and not by BLAS in float32, whose sums depend on the number of threads.
    similarities = texts.astype(np.float64) @ videos.astype(np.float64).T
    of = owners.tolist()
    return owners, text_to_video(similarities, of), video_to_text(similarities, of)
