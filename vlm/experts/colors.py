"""Names the commonest color of a part of a frame: the eleven basic color words of English.

Berlin and Kay (1969) found these eleven terms in all fully developed languages. The bounds
are ours, in hue, saturation and value; they are coarse, and colored light shifts them.
"""

import numpy as np
from numpy.typing import NDArray

from vlm.experts.findings import Box, Thing

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
# Parts of a box: left, top, right, bottom. Its edges show the background.
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
EDGES: tuple[Box, ...] = ((0, 0, 1, 0.12), (0, 0.88, 1, 1), (0, 0, 0.12, 1), (0.88, 0, 1, 1))
MIDDLE: Box = (0.25, 0.25, 0.75, 0.75)
CHEST: Box = (0.25, 0.35, 0.75, 0.7)  # of a standing person
SHOULDERS: Box = (0.2, 0.55, 0.8, 0.95)  # of a person whose box shows little more than the head
PORTRAIT = 1.4  # times the width; a lower box shows head and shoulders
RING, EPSILON = 0.2, 0.005  # of the box's sides; of the frame's
SURROUND = 0.6  # how much a color counts less for being around the thing too
CHROMATIC = 1.5  # a colored pixel counts more than a gray one: shadow and glare are gray


def color_of(frame: NDArray[np.uint8], box: Box = WHOLE) -> str:
    """Names the commonest color of a frame [H, W, 3], or of a box in it."""
    return NAMES[int(_shares(frame, box).argmax())]


def middle_color(frame: NDArray[np.uint8]) -> str:
    """Names the color that the middle of a frame has more than its edges: that of its subject."""
    edges = np.mean([_shares(frame, edge) for edge in EDGES], axis=0)
    return NAMES[int((_shares(frame, MIDDLE) - SURROUND * edges).argmax())]


def color_of_thing(frame: NDArray[np.uint8], thing: Thing) -> str:
    """Names the color of a thing, which its surroundings have less; of a person the clothes'."""
    left, top, right, bottom = thing.box
    width, height = right - left, bottom - top
    if thing.name == "person":
        H, W = frame.shape[:2]
        part = CHEST if height * H > PORTRAIT * width * W else SHOULDERS
        return color_of(frame, _part(thing.box, part))
    dx, dy = RING * width, RING * height
    around = [(left - dx, top, left, bottom), (right, top, right + dx, bottom)]
    around.append((left, top - dy, right, top))
    visible = [_shares(frame, side) for side in around if _is_visible(side)]
    shares = _shares(frame, _part(thing.box, MIDDLE))
    if visible:
        shares = shares - SURROUND * np.mean(visible, axis=0)
    return NAMES[int(shares.argmax())]


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


def _shares(frame: NDArray[np.uint8], box: Box) -> NDArray[np.float64]:
    """The share of each color in a box of a frame [H, W, 3]."""
    H, W = frame.shape[:2]
    left, top, right, bottom = box
    rows, columns = _sample(top * H, bottom * H, H), _sample(left * W, right * W, W)
    names = name_pixels(frame[rows[:, None], columns])
    counts = np.bincount(names.ravel(), minlength=len(NAMES)).astype(np.float64)
    counts[RED:] *= CHROMATIC
    return counts / counts.sum()


def _part(box: Box, part: Box) -> Box:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return (
        left + part[0] * width,
        top + part[1] * height,
        left + part[2] * width,
        top + part[3] * height,
    )


def _is_visible(box: Box) -> bool:
    left, top, right, bottom = box
    return min(right, 1) - max(left, 0) > EPSILON and min(bottom, 1) - max(top, 0) > EPSILON


def _sample(low: float, high: float, size: int) -> NDArray[np.intp]:
    """Up to SIDE whole coordinates from low to high, all of them inside the frame."""
    first = min(max(int(low), 0), size - 1)
    last = min(max(int(np.ceil(high)) - 1, first), size - 1)
    return np.unique(np.linspace(first, last, SIDE).round().astype(np.intp))
