"""Eight shapes and eight colors, so that worlds can be drawn without any downloads.

One color of every shape is held out for scoring; training sees each color and each shape.
"""

import math
from functools import lru_cache

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]

COLORS: dict[str, Rgb] = {
    "red": (220, 30, 35),
    "orange": (250, 135, 10),
    "yellow": (252, 222, 30),
    "green": (30, 150, 55),
    "blue": (30, 80, 215),
    "purple": (135, 40, 165),
    "black": (15, 15, 15),
    "white": (250, 250, 250),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross", "diamond", "moon")
MASTER = 384  # side in pixels of the mask that all sizes are resized from


def is_held_combination(shape: str, color: str) -> bool:
    """Whether a shape in a color is held out for scoring: 8 of 64, one per shape and color."""
    return (list(COLORS).index(color) + 3 * SHAPES.index(shape)) % len(COLORS) == 0


def shape_picture(shape: str, rgb: Rgb, size: int) -> Image.Image:
    """Draws a shape on a transparent square of `size` pixels."""
    mask = _master_mask(shape).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    picture = Image.new("RGBA", (size, size), (*rgb, 0))
    picture.putalpha(mask)
    return picture


@lru_cache(maxsize=len(SHAPES))
def _master_mask(shape: str) -> Image.Image:
    mask = Image.new("L", (MASTER, MASTER), 0)
    draw = ImageDraw.Draw(mask)
    if shape == "circle":
        draw.ellipse(_scaled((0.02, 0.02), (0.98, 0.98)), fill=255)
    elif shape == "moon":
        draw.ellipse(_scaled((0.1, 0.02), (0.98, 0.98)), fill=255)
        draw.ellipse(_scaled((0.42, -0.02), (1.15, 0.78)), fill=0)
    else:
        draw.polygon(_scaled(*_OUTLINES[shape]()), fill=255)
    return mask


def _scaled(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * MASTER, y * MASTER) for x, y in points]


def _star() -> list[tuple[float, float]]:
    points = []
    for i in range(10):
        radius = 0.52 if i % 2 == 0 else 0.21
        angle = math.pi * i / 5
        points.append((0.5 + radius * math.sin(angle), 0.54 - radius * math.cos(angle)))
    return points


def _heart() -> list[tuple[float, float]]:
    points = []
    for i in range(90):
        t = 2 * math.pi * i / 90
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((0.5 + x / 33, 0.47 - y / 33))
    return points


_OUTLINES = {
    "square": lambda: [(0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94)],
    "triangle": lambda: [(0.5, 0.04), (0.98, 0.94), (0.02, 0.94)],
    "diamond": lambda: [(0.5, 0.0), (0.86, 0.5), (0.5, 1.0), (0.14, 0.5)],
    "cross": lambda: [
        *((0.35, 0.04), (0.65, 0.04), (0.65, 0.35), (0.96, 0.35), (0.96, 0.65), (0.65, 0.65)),
        *((0.65, 0.96), (0.35, 0.96), (0.35, 0.65), (0.04, 0.65), (0.04, 0.35), (0.35, 0.35)),
    ],
    "star": _star,
    "heart": _heart,
}
