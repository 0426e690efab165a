"""Names the commonest color of a part of a frame: the eleven basic color words of English.

Berlin and Kay (1969) found these eleven terms in all fully developed languages. The bounds are ours,
in hue, saturation and value; they are coarse, and lit scenes shift them.
"""

import numpy as np
from numpy.typing import NDArray

from vlm.experts.findings import Box

NAMES = (
    *("black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink"),
    "brown",
)
BLACK, WHITE, GRAY, RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, PINK, BROWN = range(len(NAMES))
HUES = (  # the upper bound in degrees, and the name
    *((14, RED), (42, ORANGE), (68, YELLOW), (165, GREEN), (258, BLUE), (292, PURPLE)),
    *((335, PINK), (360, RED)),
)
SIDE = 24  # pixels of the sample
MIDDLE = 0.5  # of a box's width and height: its edges show the background
CHROMATIC = 1.5  # a colored pixel counts more than a gray one: shadow and glare are gray


def color_of(frame: NDArray[np.uint8], box: Box | None = None) -> str:
    """Names the commonest color in the middle of a box of a frame [H, W, 3], or of the whole frame."""
    H, W = frame.shape[:2]
    left, top, right, bottom = box or (0.0, 0.0, 1.0, 1.0)
    if box:
        dx, dy = (right - left) * (1 - MIDDLE) / 2, (bottom - top) * (1 - MIDDLE) / 2
        left, top, right, bottom = left + dx, top + dy, right - dx, bottom - dy
    rows = _sample(top * H, bottom * H, H)
    columns = _sample(left * W, right * W, W)
    names = name_pixels(frame[rows[:, None], columns])
    counts = np.bincount(names.ravel(), minlength=len(NAMES)).astype(np.float64)
    counts[RED:] *= CHROMATIC
    return NAMES[int(counts.argmax())]


def name_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """RGB [..., 3] -> indices into NAMES [...]."""
    rgb = pixels.astype(np.float32) / 255
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, chroma = rgb.max(-1), np.ptp(rgb, axis=-1)
    saturation = chroma / np.maximum(value, 1e-6)
    safe = np.maximum(chroma, 1e-6)
    hue = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    bounds, names = zip(*HUES, strict=True)
    name = np.asarray(names)[np.searchsorted(bounds, hue * 60).clip(max=len(names) - 1)]
    warm = (name == RED) | (name == ORANGE) | (name == YELLOW)
    name = np.where((name == ORANGE) & ((value < 0.6) | (saturation < 0.5)), BROWN, name)
    name = np.where((name == RED) & (value < 0.45) & (saturation < 0.65), BROWN, name)
    name = np.where((name == RED) & (value > 0.8) & (saturation < 0.5), PINK, name)
    gray = (saturation < np.where(warm, 0.22, 0.18)) | (chroma < 0.08)
    name = np.where(gray, GRAY, name)
    name = np.where(gray & (value > 0.78), WHITE, name)
    return np.where((value < 0.2) | (gray & (value < 0.3)), BLACK, name)


def _sample(low: float, high: float, size: int) -> NDArray[np.intp]:
    """Up to SIDE whole coordinates from low to high, all of them inside the frame."""
    first = min(max(int(low), 0), size - 1)
    last = min(max(int(np.ceil(high)) - 1, first), size - 1)
    return np.unique(np.linspace(first, last, SIDE).round().astype(np.intp))
