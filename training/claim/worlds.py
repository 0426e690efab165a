"""The training data and questions of the claim: four kinds of synthetic worlds, as arrays.

    page     an image of digits, four rows of eight                 "read"  -> the digits by cell
    covered  such a page for 8 frames while a ball crosses it       "read"  -> the same
    way      the same video, asked for the ball's direction         "way"   -> left, ...
    long     12 frames, four digits one after the other, anywhere   "order" -> the four digits

A page has more content than one look's tokens can easily hold. A short video repeats the same page
while something moves. A long video has little content in each frame, but a skipped frame may be the
one that matters. A sample depends on (seed, number) alone, so every model sees the same samples in
the same order.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH = 12, 6  # pixels of a digit's cell
ROWS, COLUMNS = 4, 8  # of a page
SIZE = HEIGHT * ROWS
SHORT, LONG, EVENTS = 8, 12, 4  # frames; digits of a long video
KINDS = ("page", "covered", "way", "long")
WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
FILLED = (1, 2, 4, 8, 16, 32, 32)  # cells of a page with a digit
DIGITS = "0123456789 "
# Row by row on a page, one after the other in a long video.
CELLS = "abcdefghijklmnopABCDEFGHIJKLMNOP"
GLYPH = 10  # font size in pixels: a digit fills its cell


@dataclass(frozen=True, eq=False)
class Example:
    """One question: frames uint8 [T, S, S, 3] (one for a page), the question, the answer."""

    kind: str
    frames: NDArray[np.uint8]
    question: str
    answer: str


def example(kind: str, seed: int, number: int, full: bool = False) -> Example:
    """Returns the example of this kind and number; with `full`, no cell of a page is empty."""
    rng = np.random.default_rng((seed, KINDS.index(kind), number))
    if kind == "long":
        return _long(rng)
    digits = rng.integers(0, 10, ROWS * COLUMNS)
    filled = max(FILLED) if full else int(rng.choice(FILLED))
    blank = rng.permutation(len(digits))[filled:]
    digits[blank] = DIGITS.index(" ")
    page = _painted(_page(digits)[None], _pen(rng))
    if kind == "page":
        return Example(kind, page, "read", labeled(digits))
    way = str(rng.choice(list(WAYS)))
    frames = np.repeat(page, SHORT, axis=0)
    _cross(rng, frames, way)
    if kind == "way":
        return Example(kind, frames, "way", way)
    return Example(kind, frames, "read", labeled(digits))


def labeled(digits: NDArray[np.int64]) -> str:
    """Returns every digit after the letter of its cell, so that an answer needs no counting."""
    pairs = zip(CELLS, digits, strict=False)
    return "".join(f"{letter}{DIGITS[digit]}" for letter, digit in pairs)


def _long(rng: np.random.Generator) -> Example:
    """Returns a sequence of digits, each for at least two frames, at random cells."""
    digits = rng.integers(0, 10, EVENTS)
    ends = np.sort(rng.choice(np.arange(1, LONG - EVENTS), EVENTS - 1, replace=False))
    lengths = np.diff([0, *(ends + np.arange(1, EVENTS)), LONG])
    ink = np.zeros((LONG, SIZE, SIZE), np.float32)
    start = 0
    for digit, length in zip(digits, lengths, strict=True):
        top, left = rng.integers(0, (ROWS, COLUMNS)) * (HEIGHT, WIDTH)
        ink[start : start + length, top : top + HEIGHT, left : left + WIDTH] = _glyphs()[digit]
        start += length
    return Example("long", _painted(ink, _pen(rng)), "order", labeled(digits))


def _page(digits: NDArray[np.int64]) -> NDArray[np.float32]:
    """[S, S], 1 where there is ink."""
    cells = _glyphs()[digits].reshape(ROWS, COLUMNS, HEIGHT, WIDTH)
    return cells.transpose(0, 2, 1, 3).reshape(SIZE, SIZE)


def _cross(rng: np.random.Generator, frames: NDArray[np.uint8], way: str) -> None:
    """Draws a ball that crosses the frames [T, S, S, 3] in this direction."""
    T = len(frames)
    radius = HEIGHT / 2 - 1
    lane = rng.uniform(HEIGHT / 2, SIZE - HEIGHT / 2)
    along = SIZE / 2 + (np.arange(T) - (T - 1) / 2) * (SIZE / T)
    dx, dy = WAYS[way]
    x = along[:: dx or 1] if dx else np.full(T, lane)
    y = along[:: dy or 1] if dy else np.full(T, lane)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    inside = (columns - x[:, None, None]) ** 2 + (rows - y[:, None, None]) ** 2 < radius**2
    frames[inside] = (200, 40, 40)


def _pen(rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns a bright color; the paper is black."""
    return rng.uniform(150, 255, 3)


def _painted(ink: NDArray[np.float32], pen: NDArray[np.float64]) -> NDArray[np.uint8]:
    """[T, S, S] of ink -> uint8 [T, S, S, 3]."""
    return (ink[..., None] * pen).astype(np.uint8)


@cache
def _glyphs() -> NDArray[np.float32]:
    """[11, HEIGHT, WIDTH]: the digits and an empty cell."""
    font = ImageFont.load_default(GLYPH)
    drawn = []
    for digit in DIGITS:
        cell = Image.new("L", (WIDTH, HEIGHT))
        middle = (WIDTH / 2, HEIGHT / 2)
        ImageDraw.Draw(cell).text(middle, digit, fill=255, font=font, anchor="mm")
        drawn.append(np.asarray(cell, np.float32) / 255)
    return np.stack(drawn)
