"""A picture of what was found: for each film some frames, and its scores over time."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from app.console.found import Found
from app.frame_strip import clock
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaReader

FRAMES, SIDE, CURVE, LINE, GAP = 8, 128, 48, 16, 8  # counts and pixels
MOST_ROWS = 50  # films
INK, GREEN, PAPER, GRAY = "#202020", "#2a7f3f", "#ffffff", "#c8c8c8"


def write_strip(target: Path, found: Sequence[Found], words: str, threshold: float) -> None:
    """Writes a PNG of all films, of many the best; ValueError if the place cannot be written."""
    if len(found) > MOST_ROWS:
        found = sorted(found, key=lambda one: -one.best[1])[:MOST_ROWS]
    row = LINE + SIDE + LINE + CURVE + 2 * GAP
    sheet = Image.new("RGB", (FRAMES * SIDE, LINE + GAP + row * len(found)), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((2, 1), _plain(words), INK)
    with MediaReader() as reader:
        for number, one in enumerate(found):
            _row(sheet, draw, LINE + GAP + number * row, one, threshold, reader)
    try:
        sheet.save(target, "PNG")
    except OSError as error:
        raise ValueError(f"{target} cannot be written: {error.strerror or error}.") from error


def _row(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    top: int,
    one: Found,
    threshold: float,
    reader: MediaReader,
) -> None:
    """Draws a film: its name, evenly spaced frames, the curve with the segments in green.

    The lines below, between and above are the scores 0, the threshold and 1.
    """
    draw.text((2, top), _plain(one.name), INK)
    times, frames = _frames(one, reader)
    for k, (second, frame) in enumerate(zip(times, frames, strict=True)):
        picture = ImageOps.contain(Image.fromarray(frame), (SIDE - 2, SIDE))
        sheet.paste(picture, (k * SIDE, top + LINE))
        inside = any(s.start <= second <= s.end for s in one.segments)
        draw.text((k * SIDE + 2, top + LINE + SIDE), clock(second), GREEN if inside else INK)
    _curve(draw, top + 2 * LINE + SIDE, one, threshold)


def _curve(draw: ImageDraw.ImageDraw, top: int, one: Found, threshold: float) -> None:
    width, bottom = FRAMES * SIDE, top + CURVE
    length = max(one.film.duration, 1e-9)
    for segment in one.segments:
        span = [segment.start / length * width, segment.end / length * width]
        draw.rectangle((span[0], top, span[1], bottom), fill="#d8eedd")
    for height in (bottom, bottom - threshold * CURVE, top):
        draw.line((0, height, width, height), GRAY)
    points = [
        (second / length * width, bottom - float(score) * CURVE)
        for second, score in zip(one.film.times, one.film.scores[:, 0], strict=True)
    ]
    if len(points) > 1:
        draw.line(points, GREEN, 2)


def _frames(one: Found, reader: MediaReader) -> tuple[list[float], list[np.ndarray]]:
    if not one.film.duration:
        return [0.0], [reader.read_image(one.path, SIDE).pixels]
    wanted = [(k + 0.5) * one.film.duration / FRAMES for k in range(FRAMES)]
    try:
        video = reader.read_video(one.path, times=wanted, size=SIDE)
    except MediaError:  # it was readable a moment ago; the scores are still true
        return [], []
    return video.times.tolist(), list(video.frames)


def _plain(text: str) -> str:
    """What the built-in font can draw."""
    return text.encode("latin-1", "replace").decode("latin-1")[: math.floor(FRAMES * SIDE / 6)]
