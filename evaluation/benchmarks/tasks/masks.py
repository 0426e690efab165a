"""Masks in videos: YouTube-VIS (instances of categories), MeViS (what an expression means).

    AP, AP50, AP75     YouTube-VIS's: a track's overlap is over all frames; AP is the mean of the
                       levels 0.5 to 0.95. Error bars: a bootstrap over videos
    J&F, J, F          region and contour, the mean over frames, then over expressions

An encoder's masks are of classes; an instance is a connected part in space and time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.tasks.annotations import Rle, Segmented
from data.tasks.masks import as_json, unpack
from evaluation.benchmarks.base import MediaPart, Question
from evaluation.benchmarks.tasks.base import TaskBenchmark, answer_of
from evaluation.benchmarks.tasks.precision import pooled_precision
from evaluation.metrics.average_precision import Matches
from evaluation.metrics.mask_tracks import LEVELS, Track, match_tracks
from evaluation.metrics.regions import contour_accuracy, region_similarity
from evaluation.reports.pooled import Pooled
from evaluation.runs.log import LogRow

EVERY_FRAME = 4096  # asks for all frames: no public clip has as many
FPS = 5.0  # of frames for a reader; both sets are annotated at about this rate
LEVELS_OF = {"AP": LEVELS, "AP50": (0.5,), "AP75": (0.75,)}


class MaskBenchmark(TaskBenchmark):
    """All frames of a clip as pictures."""

    num_frames = EVERY_FRAME

    def question(self, one: Segmented, classes: Sequence[str]) -> Question:
        tracks = [
            [track.category, [None if mask is None else as_json(mask) for mask in track.masks]]
            for track in one.objects
        ]
        targets = tuple(track.category or track.id for track in one.objects)
        size = [one.height, one.width]
        return Question(
            one.id,
            one.group or one.id,
            (
                MediaPart("frames", paths=one.frames, fps=FPS),
                *((one.text,) if one.text else ()),
            ),
            targets or ("nothing",),
            extra={"given": {"size": size, "frames": len(one.frames)}, "truth": tracks},
        )

    def shown(self, raw: str) -> str:
        return self.read({}, raw, "") or ""


class InstancesBenchmark(MaskBenchmark):
    encoder_task = "instances"
    metric = "AP"
    follows = "YouTube-VIS: COCO's matching of spatio-temporal IoU, 101 points of recall"
    modes = tuple(LEVELS_OF)

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        found = answer_of(raw)["tracks"]
        return ", ".join(f"{label} {score:.2f}" for label, score, _ in found) or "nothing"

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        metric = self.pooled([row], mode)
        return metric.value(np.ones(1, dtype=np.int64)) if row["extra"]["truth"] else None

    def pooled(self, rows: Sequence[LogRow], mode: str) -> Pooled:
        labels = sorted({label for row in rows for label, _ in row["extra"]["truth"]})
        found: dict[str, list[Matches]] = {label: [] for label in labels}
        for row in rows:
            tracks = answer_of(row["raw"])["tracks"]
            for label in labels:
                ours = [(read_track(masks), s) for name, s, masks in tracks if name == label]
                truth = [
                    read_track(masks) for name, masks in row["extra"]["truth"] if name == label
                ]
                found[label].append(match_tracks(ours, truth, LEVELS_OF[mode]))
        return pooled_precision(rows, list(found.values()), "101")


class ReferringBenchmark(MaskBenchmark):
    encoder_task = "referring"
    metric = "J&F"
    follows = "DAVIS's region and contour measures, over all frames"
    modes = ("J&F", "J", "F")

    def read(self, row: LogRow, raw: str, mode: str) -> str | None:
        masks = answer_of(raw)["masks"]
        return f"a mask on {sum(mask is not None for mask in masks)} of {len(masks)} frames"

    def score(self, row: LogRow, answer: str | None, mode: str) -> float | None:
        height, width = row["extra"]["given"]["size"]
        tracks = [read_track(masks) for _, masks in row["extra"]["truth"]]
        values = []
        for t, mask in enumerate(read_track(answer_of(row["raw"])["masks"])):
            ours = _merged([mask], height, width)
            truth = _merged([track[t] for track in tracks], height, width)
            J = region_similarity(ours, truth) if mode != "F" else 0.0
            F = contour_accuracy(ours, truth) if mode != "J" else 0.0
            values.append((J + F) / (2 if mode == "J&F" else 1))
        return float(np.mean(values))


def read_track(masks: Sequence[Any]) -> Track:
    """Returns the masks of a track from JSON."""
    found: list[Rle | None] = []
    for mask in masks:
        if mask is None:
            found.append(None)
        else:
            height, width = mask["size"]
            found.append(Rle(height, width, mask["counts"].encode("ascii")))
    return found


def _merged(masks: Sequence[Rle | None], height: int, width: int) -> np.ndarray:
    """Returns all masks of one frame together, [H, W]."""
    found = np.zeros((height, width), dtype=bool)
    for mask in masks:
        if mask is not None:
            found |= unpack(mask)
    return found
