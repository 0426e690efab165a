"""The scores of the best masks that patches of a size can show: what coarse patches cost.

    python -m evaluation.encoders.best_masks --data runs/toy 4 8 16

An encoder gives one logit for each patch, which is enlarged to the frame. Here these logits are
fitted to the true masks instead of computed from the picture, and go the way of an encoder's: the
same enlarging, the same connected parts, the same metrics. The fit minimizes cross-entropy, not
these metrics, so the values are what to expect at best, not a strict bound.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from data.tasks.masks import as_json, pack, unpack
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.tasks.masks import MaskBenchmark, read_track
from evaluation.benchmarks.tasks.table import TASK_BENCHMARKS
from evaluation.encoders.predict import tracks_of
from evaluation.reports.pooled import Pooled
from vlm.ending import end

Masks = NDArray[np.bool_]
STEPS, RATE, AT_ONCE = 80, 0.5, 512  # of the fit; frames that are fitted together


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m evaluation.encoders.best_masks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("grids", nargs="+", type=int, metavar="N", help="patches along a side")
    parser.add_argument("--data", required=True, type=Path, help="the folder of ytvis and mevis")
    arguments = parser.parse_args()
    if min(arguments.grids) < 1:
        parser.error("a grid has at least 1 patch along a side")
    try:
        sys.stdout.write(table(arguments.data, arguments.grids))
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")


def table(data: Path, grids: Sequence[int]) -> str:
    """Returns the metrics of both sets for each grid, as Markdown."""
    rows = ["| patches | AP | AP50 | AP75 | J&F |", "|---|---:|---:|---:|---:|"]
    for grid in grids:
        found = [*best(data, "ytvis", grid), best(data, "mevis", grid)[0]]
        rows.append(f"| {grid} x {grid} | " + " | ".join(f"{100 * v:.1f}" for v in found) + " |")
    return "\n".join(rows) + "\n"


def best(data: Path, name: str, grid: int) -> list[float]:
    """Returns the value of each mode of a benchmark, 0 to 1, with masks of grid x grid patches."""
    benchmark = TASK_BENCHMARKS[name]
    assert isinstance(benchmark, MaskBenchmark)
    rows: list[Any] = []
    for question in benchmark.load(data / name, Options()):
        truth, (height, width) = question.extra["truth"], question.extra["given"]["size"]
        masks: dict[str, Masks] = {}
        for label, track in truth:
            masks[label] = masks.get(label, False) | _unpacked(track, height, width)
        logits = {label: fitted(mask, grid) for label, mask in masks.items()}
        if name == "ytvis":
            raw: dict[str, Any] = {
                "tracks": [t for k, v in logits.items() for t in tracks_of(k, v)]
            }
        else:
            merged = fitted(np.logical_or.reduce(list(masks.values())), grid) > 0
            raw = {"masks": [as_json(pack(frame)) for frame in merged]}
        rows.append({"raw": json.dumps(raw), "extra": question.extra, "group": question.group})
    if name == "ytvis":
        return [_whole(benchmark.pooled(rows, mode)) for mode in benchmark.modes]
    scores = [[benchmark.score(row, None, mode) or 0.0 for row in rows] for mode in benchmark.modes]
    return [float(np.mean(values)) for values in scores]


def _whole(metric: Pooled | None) -> float:
    assert metric is not None
    return metric.value(np.ones(len(metric.groups), dtype=np.int64))


def fitted(masks: Masks, grid: int) -> NDArray[np.float32]:
    """Masks [T, H, W] -> the logits [T, H, W] of grid x grid patches that are nearest to them."""
    found = [_fitted(torch.from_numpy(part), grid) for part in _parts(masks)]
    return torch.cat(found).numpy()


def _parts(masks: Masks) -> list[Masks]:
    return [masks[k : k + AT_ONCE] for k in range(0, len(masks), AT_ONCE)]


def _fitted(masks: Tensor, grid: int) -> Tensor:
    truth = masks[:, None].float()
    patches = (8 * F.adaptive_avg_pool2d(truth, grid) - 4).requires_grad_()
    optimizer = torch.optim.Adam([patches], RATE)
    size = (masks.shape[1], masks.shape[2])
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(_large(patches, size), truth, reduction="sum").backward()
        optimizer.step()
    return _large(patches.detach(), size)[:, 0]


def _large(patches: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(patches, size, mode="bilinear", align_corners=False)


def _unpacked(track: Sequence[Any], height: int, width: int) -> Masks:
    empty = np.zeros((height, width), bool)
    return np.stack([empty if m is None else unpack(m) for m in read_track(track)])


if __name__ == "__main__":
    end(main)
