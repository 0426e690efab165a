"""Reads the text in the frames of a film without reading every frame.

A frame that hardly differs from one before has its text. Of the others every second one is read. A
frame between two with the same text has that text too, if a glance confirms it: the text detector
at a third of the pixels finds text only where the two have some, and where they have lines, the
pixels are those of the frame before. If not, the frame is read. So text is missed only if it is
both small and shown in a single one of the frames.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vlm.experts.findings import Box, Line, shared_area
from vlm.experts.reading.text_regions import Region

GRID = 24  # cells of a side
SAME = 0.03  # difference of the cells, 0 to 1; below, a frame is not read again
SAME_LINE = 0.08  # mean difference of the pixels of a line, 0 to 1; below, it is the same line

Read = Callable[[Tensor], list[Line]]
Look = Callable[[Tensor], Sequence[Region]]


def read_film(frames: Tensor, read: Read, glance: Look) -> list[list[Line]]:
    """Frames uint8 [T, H, W, 3] -> the lines of each; `read` and `glance` take one frame."""
    first = first_of_its_kind(frames, SAME)
    distinct = sorted(set(first))
    lines = {t: read(frames[t]) for t in {*distinct[::2], distinct[-1]}}
    regions: dict[int, list[Box]] = {}

    def seen(t: int) -> list[Box]:
        if t not in regions:
            H, W = frames.shape[1:3]
            regions[t] = [region.box(H, W) for region in glance(frames[t])]
        return regions[t]

    for before, t, after in zip(distinct[::2], distinct[1::2], distinct[2::2], strict=False):
        same = _texts(lines[before]) == _texts(lines[after]) and all(
            _same_pixels(frames[before], frames[t], line.box) for line in lines[before]
        )
        if same and _known(seen(t), [*seen(before), *seen(after)]):
            lines[t] = lines[before]
        else:
            lines[t] = read(frames[t])
    return [lines[t] for t in first]


def first_of_its_kind(frames: Tensor, same: float) -> list[int]:
    """For each frame the number of the earlier frame that it hardly differs from, else its own.

    `same` is the most that any cell of a coarse grid differs, 0 to 1.
    """
    small = F.interpolate(
        frames.permute(0, 3, 1, 2), (4 * GRID, 4 * GRID), mode="bilinear", antialias=True
    )
    cells = F.avg_pool2d(small.float() / 255, 4)
    first = [0]
    for t in range(1, len(frames)):
        equal = torch.abs(cells[t] - cells[first[-1]]).max() < same
        first.append(first[-1] if equal else t)
    return first


def _texts(lines: Sequence[Line]) -> list[str]:
    return [line.text for line in lines]


def _known(boxes: Sequence[Box], others: Sequence[Box]) -> bool:
    """Whether each box overlaps one of the others."""
    return all(any(shared_area(box, other) for other in others) for box in boxes)


def _same_pixels(a: Tensor, b: Tensor, box: Box) -> bool:
    """Whether two frames [H, W, 3] agree within a box."""
    H, W = a.shape[:2]
    left, top, right, bottom = box
    rows = slice(int(top * H), max(round(bottom * H), int(top * H) + 1))
    columns = slice(int(left * W), max(round(right * W), int(left * W) + 1))
    difference = a[rows, columns].float() - b[rows, columns].float()
    return float(difference.abs().mean()) / 255 < SAME_LINE
