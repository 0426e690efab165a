"""Drawing of backgrounds, things and text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from data.synthetic.drawing.assets import Thing, load_background, load_font
from data.synthetic.drawing.shapes import COLORS, Rgb
from data.synthetic.rng import WorldRng

# The nine places of a picture and their centers, as fractions of width and height.
PLACES = {
    "at the top left": (0.17, 0.17),
    "at the top": (0.5, 0.17),
    "at the top right": (0.83, 0.17),
    "on the left": (0.17, 0.5),
    "in the middle": (0.5, 0.5),
    "on the right": (0.83, 0.5),
    "at the bottom left": (0.17, 0.83),
    "at the bottom": (0.5, 0.83),
    "at the bottom right": (0.83, 0.83),
}
SHAPE_CONTRAST = 115  # minimum RGB distance between a shape and its background
OBJECT_CONTRAST = 90  # the same for the mean color of an object


@dataclass(frozen=True)
class Placed:
    """A thing on a picture: center as fractions of width and height, size of the shorter side."""

    thing: Thing
    x: float
    y: float
    size: float
    rgb: Rgb


@dataclass(frozen=True)
class Ground:
    """A background; `color` is its name if it is plain."""

    picture: Image.Image
    color: str = ""


def place(
    rng: WorldRng, thing: Thing, where: str, size: float, canvas: tuple[int, int] | None = None
) -> Placed:
    """Places a thing near the center of one of the nine places, jittered and fully inside."""
    x, y = PLACES[where]
    x += rng.between(-0.03, 0.03)
    y += rng.between(-0.03, 0.03)
    width, height = canvas or rng.canvas
    half_x = size * min(width, height) / width / 2 + 0.01
    half_y = size * min(width, height) / height / 2 + 0.01
    x = min(max(x, half_x), 1 - half_x)
    y = min(max(y, half_y), 1 - half_y)
    return Placed(thing, x, y, size, rng.rgb(thing))


def paint(ground: Image.Image, placed: Sequence[Placed]) -> Image.Image:
    """Returns a copy of the background with the things on it."""
    picture = ground.copy()
    width, height = picture.size
    for item in placed:
        stamp = _stamp(item.thing, max(1, round(item.size * min(width, height))), item.rgb)
        left = round(item.x * width - stamp.width / 2)
        top = round(item.y * height - stamp.height / 2)
        picture.paste(stamp, (left, top), stamp)
    return picture


@lru_cache(maxsize=32)
def _stamp(thing: Thing, size: int, rgb: Rgb) -> Image.Image:
    # Cached because the frames of a clip repeat the same thing.
    return thing.picture(size, rgb)


def ground(
    rng: WorldRng, size: tuple[int, int], items: Sequence[Placed], plain: bool = False
) -> Ground:
    """Makes a background on which every item is visible; one pure color if `plain`."""
    for _ in range(60):
        made, tones = _plain(rng, size) if plain else _any_ground(rng, size)
        if all(_stands_out(item, tones) for item in items):
            return made
    return Ground(Image.new("RGB", size, (128, 128, 128)))


def _stands_out(item: Placed, tones: Sequence[Rgb]) -> bool:
    color = item.rgb if item.thing.is_shape else mean_color(item.thing)
    least = SHAPE_CONTRAST if item.thing.is_shape else OBJECT_CONTRAST
    return all(
        sum((a - b) ** 2 for a, b in zip(color, tone, strict=True)) >= least**2 for tone in tones
    )


@lru_cache(maxsize=4096)
def mean_color(thing: Thing) -> Rgb:
    """Returns the mean color of an object's opaque pixels."""
    pixels = np.asarray(thing.picture(32, (0, 0, 0)), dtype=np.float32).reshape(-1, 4)
    weight = pixels[:, 3:] + 1e-3
    red, green, blue = ((pixels[:, :3] * weight).sum(0) / weight.sum()).round().astype(int).tolist()
    return red, green, blue


def _any_ground(rng: WorldRng, size: tuple[int, int]) -> tuple[Ground, list[Rgb]]:
    draw = rng.random.random()
    if draw < 0.4:
        return _plain(rng, size)
    if draw < 0.6 or (draw > 0.88 and not rng.assets.backgrounds):
        tone = _tone(rng)
        return Ground(Image.new("RGB", size, tone)), [tone]
    if draw <= 0.88:
        return _pattern(rng, size)
    return _photograph(rng, size)


def _plain(rng: WorldRng, size: tuple[int, int]) -> tuple[Ground, list[Rgb]]:
    color = rng.pick(list(COLORS))
    red, green, blue = (min(255, max(0, c + rng.random.randint(-10, 10))) for c in COLORS[color])
    return Ground(Image.new("RGB", size, (red, green, blue)), color), [(red, green, blue)]


def _tone(rng: WorldRng) -> Rgb:
    """Picks a light or dark tone without a plain name."""
    base = rng.pick(list(COLORS.values()))
    towards, share = rng.pick(((255, 0.7), (255, 0.8), (0, 0.55), (128, 0.6)))
    red, green, blue = (round(c * (1 - share) + towards * share) for c in base)
    return red, green, blue


def _pattern(rng: WorldRng, size: tuple[int, int]) -> tuple[Ground, list[Rgb]]:
    """Draws two related tones in a pattern; scoring has patterns of its own."""
    first = _tone(rng)
    shift = rng.pick((-40, -28, 28, 40))
    red, green, blue = (min(255, max(0, c + shift)) for c in first)
    second = (red, green, blue)
    width, height = size
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    kind = rng.pick(
        ("diagonal", "dots") if rng.held else ("down", "across", "stripes", "checks", "speckle")
    )
    num = rng.random.randint(4, 9)
    if kind == "down":
        mask = rows + 0 * columns
    elif kind == "across":
        mask = columns + 0 * rows
    elif kind == "diagonal":
        mask = (rows + columns) / 2
    elif kind == "stripes":
        mask = ((columns * 2 * num).astype(int) % 2 + 0 * rows).astype(np.float32)
    elif kind == "checks":
        mask = (((columns * num).astype(int) + (rows * num).astype(int)) % 2).astype(np.float32)
    elif kind == "dots":
        x, y = (columns * num) % 1 - 0.5, (rows * num) % 1 - 0.5
        mask = (x**2 + y**2 < 0.06).astype(np.float32)
    else:
        noise = np.random.default_rng(rng.random.getrandbits(32))
        mask = noise.random((height, width), dtype=np.float32)
    blend = Image.fromarray((mask * 255).astype(np.uint8))
    picture = Image.composite(Image.new("RGB", size, second), Image.new("RGB", size, first), blend)
    return Ground(picture), [first, second]


def _photograph(rng: WorldRng, size: tuple[int, int]) -> tuple[Ground, list[Rgb]]:
    """Crops a photograph and lowers its contrast so that things stand out."""
    photograph = load_background(rng.pick(rng.assets.backgrounds))
    scale = max(size[0] / photograph.width, size[1] / photograph.height)
    zoom = rng.between(1.0, 1.6)
    width = min(photograph.width, int(size[0] / scale / zoom))
    height = min(photograph.height, int(size[1] / scale / zoom))
    left = rng.random.randint(0, photograph.width - width)
    top = rng.random.randint(0, photograph.height - height)
    box = (left, top, left + width, top + height)
    picture = photograph.resize(size, Image.Resampling.BILINEAR, box=box)
    mean = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(mean, tuple)
    tone = (int(mean[0]), int(mean[1]), int(mean[2]))
    return Ground(Image.blend(picture, Image.new("RGB", size, tone), 0.35)), [tone]


def write_text(
    picture: Image.Image,
    text: str,
    font_file: str,
    box: tuple[float, float, float, float],
    rgb: Rgb,
    align: str = "middle",
) -> None:
    """Writes one line as large as fits into `box` (left, top, right, bottom as fractions)."""
    left, top, right, bottom = (f * s for f, s in zip(box, picture.size * 2, strict=True))
    ink = _ink_box(text, font_file)
    scale = min((right - left) / (ink[2] - ink[0]), (bottom - top) / (ink[3] - ink[1]))
    size = max(6, int(100 * scale))
    scale = size / 100
    width = (ink[2] - ink[0]) * scale
    x = {"left": left, "middle": (left + right - width) / 2, "right": right - width}[align]
    y = (top + bottom - (ink[3] - ink[1]) * scale) / 2
    font = load_font(font_file, size)
    ImageDraw.Draw(picture).text(
        (x - ink[0] * scale, y - ink[1] * scale), text, font=font, fill=rgb
    )


@lru_cache(maxsize=4096)
def _ink_box(text: str, font_file: str) -> tuple[float, float, float, float]:
    """Returns the bounding box of a text at 100 pixels."""
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    return draw.textbbox((0, 0), text, font=load_font(font_file, 100))
