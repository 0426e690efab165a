"""Whether a frame is too blurred or too dark to see much in it.

Blur is measured by what a small blur takes away (Crete et al. 2007, "The blur effect"): a sharp
frame loses most of the differences between neighbors, a blurred one keeps them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LONG_SIDE = 384  # pixels of small frames, at which both are measured
BLURRED = 0.68  # of the differences kept
DARK = 0.2  # brightness, 0 to 1, that the share BRIGHT of the pixels does not exceed
BRIGHT = 0.97
FLAT = 0.002  # mean difference of neighbors; a frame without any is neither sharp nor blurred


def small_frames(frames: Tensor) -> Tensor:
    """uint8 [T, H, W, 3] -> uint8 [T, 3, h, w], at most LONG_SIDE long."""
    H, W = frames.shape[1:3]
    ratio = min(LONG_SIDE / max(H, W), 1.0)
    size = max(round(H * ratio), 16), max(round(W * ratio), 16)
    return F.interpolate(frames.permute(0, 3, 1, 2), size, mode="bilinear", antialias=True)


def quality(small: Tensor) -> list[tuple[bool, bool]]:
    """Small frames uint8 [T, 3, h, w] -> blurred, dark for each."""
    blur, bright = blur_and_brightness(small)
    return list(zip((blur > BLURRED).tolist(), (bright < DARK).tolist(), strict=True))


def blur_and_brightness(small: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 [T, 3, h, w] -> the share of differences kept [T], and the bright end [T]."""
    gray = small.float().mean(dim=1, keepdim=True) / 255  # [T, 1, h, w]
    kept = []
    for dim, padding in ((3, (4, 4, 0, 0)), (2, (0, 0, 4, 4))):
        window = (1, 9) if dim == 3 else (9, 1)
        smooth = F.avg_pool2d(F.pad(gray, padding, mode="replicate"), window, stride=1)
        before, after = gray.diff(dim=dim).abs(), smooth.diff(dim=dim).abs()
        lost = (before - after).clamp(min=0).mean(dim=(1, 2, 3))
        total = before.mean(dim=(1, 2, 3))
        kept.append(torch.where(total > FLAT, 1 - lost / total.clamp(min=FLAT), 0.0))
    return torch.stack(kept).amax(dim=0), _bright_end(gray.flatten(1))


def _bright_end(gray: Tensor) -> Tensor:
    """The quantile at BRIGHT of each row [T, n]: as `quantile`, which sorts all the pixels."""
    rank = BRIGHT * (gray.shape[1] - 1)
    below = int(rank)
    largest = gray.topk(gray.shape[1] - below, dim=1).values  # in descending order
    low, high = largest[:, -1], largest[:, max(gray.shape[1] - below - 2, 0)]
    return low + (rank - below) * (high - low)
