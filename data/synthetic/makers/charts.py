"""Worlds of charts: coloured bars and pies."""

from PIL import Image, ImageDraw

from data.synthetic.dice import Dice
from data.synthetic.drawing.shapes import COLOURS, Rgb
from data.synthetic.language.words import COUNTS, an, listed, sentence
from data.synthetic.world import Turn, World

INK: Rgb = (30, 30, 30)
BAR_COLOURS = tuple(colour for colour in COLOURS if colour != "white")
HEIGHTS = (0.18, 0.32, 0.46, 0.6, 0.74, 0.88)  # far enough apart to be told apart


def bars(dice: Dice) -> World:
    """Two to five bars in different colours and heights."""
    num = dice.by_slot((2, 3, 4, 5))
    tallest = dice.by_slot(BAR_COLOURS)
    heights = sorted(dice.random.sample(HEIGHTS, num))
    others = dice.random.sample([c for c in BAR_COLOURS if c != tallest], num - 1)
    by_height = dict(zip([*others, tallest], heights, strict=True))
    order = dice.shuffled(list(by_height))
    picture = Image.new("RGB", dice.canvas, (255, 255, 255))
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    step = 0.84 / num
    bar = step * dice.between(0.6, 0.8)
    for i, colour in enumerate(order):
        left = 0.1 + i * step
        box = (
            left * width,
            (0.94 - by_height[colour]) * height,
            (left + bar) * width,
            0.94 * height,
        )
        draw.rectangle(box, fill=COLOURS[colour])
    draw.line((0.06 * width, 0.04 * height, 0.06 * width, 0.94 * height), fill=INK, width=2)
    draw.line((0.06 * width, 0.94 * height, 0.97 * width, 0.94 * height), fill=INK, width=2)
    shortest = others[0]
    turns = [
        Turn("tallest", dice.ask("tallest"), sentence(f"it is {tallest}"), (tallest,)),
        Turn("bars", dice.ask("num bars"), sentence(f"there are {COUNTS[num]} bars"), (str(num),)),
        Turn("shortest", dice.ask("shortest"), sentence(f"it is {shortest}"), (shortest,)),
    ]
    caption = sentence(
        f"a bar chart with {listed([an(c) for c in order])} bar; the {tallest} one is the tallest"
    )
    return World(picture, caption, tuple(turns))


def pie(dice: Dice) -> World:
    """A pie of three parts, one clearly the largest."""
    largest = dice.by_slot(BAR_COLOURS)
    others = dice.random.sample([c for c in BAR_COLOURS if c != largest], 2)
    share = dice.between(0.45, 0.62)
    second = (1 - share) * dice.between(0.4, 0.6)
    parts = dice.shuffled([(largest, share), (others[0], second), (others[1], 1 - share - second)])
    picture = Image.new("RGB", dice.canvas, (255, 255, 255))
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    radius = 0.44 * min(width, height)
    box = (width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius)
    angle = dice.between(0, 360)
    for colour, part in parts:
        draw.pieslice(
            box, angle, angle + 360 * part, fill=COLOURS[colour], outline=(255, 255, 255), width=2
        )
        angle += 360 * part
    names = [colour for colour, _ in parts]
    turns = (
        Turn("pie", dice.ask("largest part"), sentence(f"it is {largest}"), (largest,)),
        Turn("kind", dice.ask("kind"), "A pie chart.", ("pie chart",), ("chart", "pie")),
    )
    caption = sentence(f"a pie chart with {listed(names)}; the {largest} part is the largest")
    return World(picture, caption, turns)
