"""Finds things in frames: NanoDet-g with its preprocessing, thresholds and removal of duplicates.

A frame is resized to the number of pixels the network was trained with, keeping its shape as far as
multiples of 32 allow. On 43 photographs with 102 counted things this gave F1 0.81, a letterbox of
the same side gave 0.80, stretching to a square 0.74, and passes at two or three sizes at most 0.82.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from vlm.experts.detection.coco import CLASSES, GROUP_OF_NAME
from vlm.experts.detection.int8 import dequantize
from vlm.experts.detection.nanodet import NanoDet
from vlm.experts.findings import Thing, shared_area

WEIGHTS = Path(__file__).with_name("nanodet.safetensors")
SIDE, MULTIPLE = 416, 32  # pixels
THRESHOLD = 0.32  # of the score; low, for other experts may confirm a guess
MAX_CANDIDATES = 200  # boxes of a frame that are compared
GROUP_IOU = 0.5  # two boxes of one class or of classes easily confused
ANY_IOU = 0.7  # two boxes of any classes
INSIDE, WEAKER = 0.9, 0.75  # a box inside another of its group, unless it is nearly as certain


class Detector:
    """Frames uint8 [T, H, W, 3] -> the things in each of them."""

    def __init__(self, network: NanoDet, threshold: float = THRESHOLD) -> None:
        self.network = network.eval().requires_grad_(False)
        self.threshold = threshold

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> list[list[Thing]]:
        scores, boxes = self.network(preprocess(frames))
        height, width = input_size(frames.shape[1], frames.shape[2])
        boxes = (boxes / boxes.new_tensor([width, height, width, height])).clamp(0, 1)
        return [_things(s, b, self.threshold) for s, b in zip(scores, boxes, strict=True)]


def load_detector(path: Path, threshold: float = THRESHOLD) -> Detector:
    """Loads a file written by `convert`; missing and unknown weights are errors."""
    network = NanoDet()
    network.load_state_dict(dequantize(load_file(path)))
    return Detector(network, threshold)


def input_size(height: int, width: int) -> tuple[int, int]:
    """Returns the network's input height and width for a frame: about SIDE * SIDE pixels."""
    ratio = SIDE / (height * width) ** 0.5
    limit = 2 * SIDE // MULTIPLE  # a very long frame is squeezed instead
    rows, columns = (min(max(round(side * ratio / MULTIPLE), 1), limit) for side in (height, width))
    return rows * MULTIPLE, columns * MULTIPLE


def preprocess(frames: Tensor) -> Tensor:
    """uint8 RGB [T, H, W, 3] -> normalized BGR [T, 3, h, w]."""
    pixels = frames.permute(0, 3, 1, 2)
    size = input_size(*pixels.shape[-2:])
    if pixels.shape[-2:] != size:
        pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True)
    pixels = pixels.flip(1).float()
    mean, std = (pixels.new_tensor(v)[:, None, None] for v in (NanoDet.MEAN, NanoDet.STD))
    return (pixels - mean) / std


def _things(scores: Tensor, boxes: Tensor, threshold: float) -> list[Thing]:
    """One frame's scores [A, 80] and boxes [A, 4] -> its things, most certain first."""
    best, classes = scores.max(dim=-1)
    order = best.argsort(descending=True, stable=True)[:MAX_CANDIDATES]
    order = order[best[order] > threshold]
    things = (
        Thing(CLASSES[index], score, (left, top, right, bottom))
        for index, score, (left, top, right, bottom) in zip(
            classes[order].tolist(), best[order].tolist(), boxes[order].tolist(), strict=True
        )
    )
    return without_duplicates(things)


def without_duplicates(things: Iterable[Thing]) -> list[Thing]:
    """Keeps the most certain of boxes around the same thing; `things` come most certain first."""
    kept: list[Thing] = []
    for thing in things:
        if not any(_is_same(thing, other) for other in kept):
            kept.append(thing)
    return kept


def _is_same(weak: Thing, strong: Thing) -> bool:
    shared = shared_area(weak.box, strong.box)
    if not shared:
        return False
    iou = shared / (weak.area + strong.area - shared)
    if GROUP_OF_NAME[weak.name] != GROUP_OF_NAME[strong.name]:
        return iou > ANY_IOU
    inside = shared / min(weak.area, strong.area) > INSIDE
    return iou > GROUP_IOU or (inside and weak.score < WEAKER * strong.score)
