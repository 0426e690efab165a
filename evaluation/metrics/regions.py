"""Region similarity J and contour accuracy F of masks (DAVIS, Perazzi et al. 2016).

    J = |A and B| / |A or B|                                   1 if both are empty
    F = 2 P R / (P + R)     P: share of A's contour that is near B's, R: of B's that is near A's

Near is within 0.8 % of the picture's diagonal, at least one pixel. J&F is the mean of both. The
mean over a video is over all of its frames, as in MeViS and Ref-YouTube-VOS.
"""

import math

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
NEAR = 0.008  # of the diagonal


def region_similarity(ours: Mask, truth: Mask) -> float:
    """Returns J of two masks [H, W], or of all frames [T, H, W] taken as one."""
    either = np.count_nonzero(ours | truth)
    return 1.0 if not either else np.count_nonzero(ours & truth) / either


def contour_accuracy(ours: Mask, truth: Mask) -> float:
    """Returns F of two masks [H, W]."""
    near = math.ceil(NEAR * math.hypot(*ours.shape))
    contour, wanted = contour_of(ours), contour_of(truth)
    precision = _share(contour, _grown(wanted, near), wanted)
    recall = _share(wanted, _grown(contour, near), contour)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _share(contour: Mask, grown: Mask, other: Mask) -> float:
    """The share of a contour inside of the other, grown one; 1 for nothing, unless only one is."""
    size = np.count_nonzero(contour)
    if not size:
        return 1.0
    return np.count_nonzero(contour & grown) / size if other.any() else 0.0


def contour_of(mask: Mask) -> Mask:
    """Returns the pixels that differ from their right, lower or lower right neighbor."""
    found = np.zeros_like(mask)
    found[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    found[:-1, :] |= mask[:-1, :] ^ mask[1:, :]
    found[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return found


def _grown(mask: Mask, radius: int) -> Mask:
    """Grows a mask by a disk: rows at a distance are widened by what the circle leaves there."""
    H, W = mask.shape
    grown = np.zeros_like(mask)
    sums = np.pad(mask.cumsum(1), ((0, 0), (1, 0)))  # [H, W + 1]
    columns = np.arange(W)
    reach = min(radius, H - 1)
    for away in range(-reach, reach + 1):
        half = math.isqrt(radius**2 - away**2)
        low, high = (columns - half).clip(0), (columns + half + 1).clip(max=W)
        wide = sums[:, high] > sums[:, low]
        rows = slice(max(0, away), min(H, H + away))
        source = slice(max(0, -away), min(H, H - away))
        grown[rows] |= wide[source]
    return grown
