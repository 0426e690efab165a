"""Worlds of charts: colored bars and pies."""

from PIL import Image, ImageDraw

from data.synthetic.drawing.shapes import COLORS, Rgb
from data.synthetic.language.words import COUNTS, an, listed, sentence
from data.synthetic.rng import WorldRng
from data.synthetic.world import QAPair, World

INK: Rgb = (30, 30, 30)
BAR_COLORS = tuple(color for color in COLORS if color != "white")
HEIGHTS = (0.18, 0.32, 0.46, 0.6, 0.74, 0.88)  # far enough apart to be distinguished


def bars(rng: WorldRng) -> World:
    """Two to five bars in different colors and heights."""
    num = rng.by_slot((2, 3, 4, 5))
    tallest = rng.by_slot(BAR_COLORS)
    heights = sorted(rng.random.sample(HEIGHTS, num))
    others = rng.random.sample([c for c in BAR_COLORS if c != tallest], num - 1)
    by_height = dict(zip([*others, tallest], heights, strict=True))
    order = rng.shuffled(list(by_height))
    picture = Image.new("RGB", rng.canvas, (255, 255, 255))
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    step = 0.84 / num
    bar = step * rng.between(0.6, 0.8)
    for i, color in enumerate(order):
        left = 0.1 + i * step
        box = (
            left * width,
            (0.94 - by_height[color]) * height,
            (left + bar) * width,
            0.94 * height,
        )
        draw.rectangle(box, fill=COLORS[color])
    draw.line((0.06 * width, 0.04 * height, 0.06 * width, 0.94 * height), fill=INK, width=2)
    draw.line((0.06 * width, 0.94 * height, 0.97 * width, 0.94 * height), fill=INK, width=2)
    shortest = others[0]
    turns = [
        QAPair("tallest", rng.ask("tallest"), sentence(f"it is {tallest}"), (tallest,)),
        QAPair("bars", rng.ask("num bars"), sentence(f"there are {COUNTS[num]} bars"), (str(num),)),
        QAPair("shortest", rng.ask("shortest"), sentence(f"it is {shortest}"), (shortest,)),
    ]
    caption = sentence(
        f"a bar chart with {listed([an(c) for c in order])} bar; the {tallest} one is the tallest"
    )
    return World(picture, caption, tuple(turns))


def pie(rng: WorldRng) -> World:
    """A pie of three parts, one clearly the largest."""
    largest = rng.by_slot(BAR_COLORS)
    others = rng.random.sample([c for c in BAR_COLORS if c != largest], 2)
    share = rng.between(0.45, 0.62)
    second = (1 - share) * rng.between(0.4, 0.6)
    parts = rng.shuffled([(largest, share), (others[0], second), (others[1], 1 - share - second)])
    picture = Image.new("RGB", rng.canvas, (255, 255, 255))
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    radius = 0.44 * min(width, height)
    box = (width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius)
    angle = rng.between(0, 360)
    for color, part in parts:
        draw.pieslice(
            box, angle, angle + 360 * part, fill=COLORS[color], outline=(255, 255, 255), width=2
        )
        angle += 360 * part
    names = [color for color, _ in parts]
    turns = (
        QAPair("pie", rng.ask("largest part"), sentence(f"it is {largest}"), (largest,)),
        QAPair("kind", rng.ask("kind"), "A pie chart.", ("pie chart",), ("chart", "pie")),
    )
    caption = sentence(f"a pie chart with {listed(names)}; the {largest} part is the largest")
    return World(picture, caption, turns)
