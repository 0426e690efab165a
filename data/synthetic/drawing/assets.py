"""The assets of worlds: named things, fonts and backgrounds, split into training and scoring.

Shapes are always available. Objects, fonts and backgrounds come from the folder made by
`python -m data.prepare.assets`; without it, worlds have only shapes and one font.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageFont

from data.prepare.fetch import cache_folder
from data.synthetic.drawing.shapes import COLORS, SHAPES, Rgb, is_held_combination, shape_picture
from data.synthetic.language.words import an, is_countable, is_simple

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Only objects with one short name are used, a quarter of all: a small model that sees twenty
# thousand pictures learns two hundred names, but none of eight hundred.
LONGEST_NAME = 6


@dataclass(frozen=True)
class Thing:
    """A named thing: a colored shape or an object from a file."""

    name: str
    category: str
    color: str = ""  # of shapes
    file: str = ""  # of objects
    held: bool = False

    @property
    def label(self) -> str:
        return f"{self.color} {self.name}" if self.color else self.name

    @property
    def nearly(self) -> tuple[str, ...]:
        """Nearly right answers: a shape without its color."""
        return (self.name,) if self.color else ()

    @property
    def is_shape(self) -> bool:
        return not self.file

    @property
    def described(self) -> str:
        """The label, with its article if it takes one."""
        return an(self.label) if is_countable(self.label) else self.label

    @property
    def fits_sentences(self) -> bool:
        """Whether it fits questions such as "How many ...s are there?"."""
        return is_simple(self.name)

    def picture(self, size: int, rgb: Rgb) -> Image.Image:
        """Draws it on transparency, longer side `size` pixels; `rgb` is the color of a shape."""
        if self.is_shape:
            return shape_picture(self.name, rgb, size)
        master = _object_picture(self.file)
        scale = size / max(master.size)
        width, height = (max(1, round(side * scale)) for side in master.size)
        return master.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


SHAPE_THINGS = tuple(
    Thing(shape, "shape", color=color, held=is_held_combination(shape, color))
    for shape in SHAPES
    for color in COLORS
)


@dataclass(frozen=True)
class Assets:
    """The assets of one split."""

    shapes: tuple[Thing, ...]
    objects: tuple[tuple[Thing, ...], ...]  # grouped by name
    fonts: tuple[str, ...]  # files; an empty name is Pillow's own font
    backgrounds: tuple[str, ...]  # files


def load_assets(folder: Path | None = None, held: bool = False) -> Assets:
    """Loads the assets for training or scoring from a folder (default: in the cache)."""
    folder = folder or cache_folder() / "assets"
    split = "held" if held else "train"

    def rows(name: str) -> list[dict[str, Any]]:
        path = folder / name
        if not path.is_file():
            return []
        return [
            row for row in json.loads(path.read_text(encoding="utf-8")) if row["split"] == split
        ]

    objects: dict[str, list[Thing]] = {}
    for row in rows("objects.json"):
        if row["category"] == "shape" or row["name"].split()[-1] in SHAPES:
            continue  # indistinguishable from a drawn shape
        if " " in row["name"] or len(row["name"]) > LONGEST_NAME:
            continue
        thing = Thing(row["name"], row["category"], file=str(folder / row["file"]), held=held)
        objects.setdefault(thing.name, []).append(thing)
    fonts = tuple(str(folder / row["file"]) for row in rows("fonts.json")) or ("",)
    backgrounds = tuple(str(folder / row["file"]) for row in rows("backgrounds.json"))
    shapes = tuple(thing for thing in SHAPE_THINGS if thing.held == held)
    return Assets(shapes, tuple(map(tuple, objects.values())), fonts, backgrounds)


@lru_cache(maxsize=256)
def load_font(file: str, size: int) -> Font:
    """Loads a font at a size in pixels."""
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


@lru_cache(maxsize=1024)
def _object_picture(file: str) -> Image.Image:
    with Image.open(file) as opened:
        return opened.convert("RGBA")


@lru_cache(maxsize=64)
def load_background(file: str) -> Image.Image:
    """Loads a background photograph, reduced so that cropping and resizing are fast."""
    with Image.open(file) as opened:
        opened.draft("RGB", (640, 640))
        picture = opened.convert("RGB")
    picture.thumbnail((640, 640), Image.Resampling.LANCZOS)
    return picture
