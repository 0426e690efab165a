"""Worlds of small things in rows and columns, which need a close look."""

from dataclasses import replace

from data.synthetic.drawing.assets import Thing
from data.synthetic.drawing.canvas import Ground, Placed, ground, paint
from data.synthetic.drawing.shapes import SHAPES
from data.synthetic.language.words import an, listed, plural, sentence
from data.synthetic.makers.scenes import color_turns, presence_turns
from data.synthetic.rng import WorldRng
from data.synthetic.world import QAPair, World

CORNERS = {
    "top left": (0, 0),
    "top right": (0, -1),
    "bottom left": (-1, 0),
    "bottom right": (-1, -1),
}


def grid(rng: WorldRng) -> World:
    """Nine different small things: what is in which row and column?"""
    side = 3
    cell = rng.slot % (side * side)
    things = [rng.shape() if rng.chance(0.6) else rng.thing() for _ in range(side * side)]
    items, base = _lay_out(rng, things, side)
    cells = [cell, *(c for c in rng.random.sample(range(side * side), 3) if c != cell)]
    turns = [_cell_turn(rng, things[c], c // side, c % side) for c in cells]
    corner = rng.pick(list(CORNERS))
    row, column = CORNERS[corner]
    thing = things[(row % side) * side + column % side]
    answer = sentence(an(thing.label))
    turns.append(
        QAPair("detail", f"What is in the {corner} corner?", answer, (thing.label,), thing.nearly)
    )
    rows = [
        ", ".join(an(thing.label) for thing in things[r * side : (r + 1) * side])
        for r in range(side)
    ]
    return _world(sentence("; ".join(rows)), turns, items, base)


def odd_one(rng: WorldRng) -> World:
    """Many equal small things and one that differs: what is it, and where?"""
    side = rng.pick((3, 3, 4))
    usual, odd = rng.things(2)
    if usual.is_shape and rng.chance(0.3):
        odd = rng.shape(lambda thing: thing.name == usual.name and thing.color != usual.color)
    at = rng.slot % (side * side)
    things = [odd if i == at else usual for i in range(side * side)]
    items, base = _lay_out(rng, things, side)
    row, column = at // side + 1, at % side + 1
    answer = sentence(an(odd.label))
    turns = [
        QAPair("odd", rng.ask("odd"), answer, (odd.label,), odd.nearly, (usual.label,)),
        QAPair("detail", rng.ask("cell", row=row, column=column), answer, (odd.label,), odd.nearly),
    ]
    other = (at + rng.random.randint(1, side * side - 1)) % (side * side)
    turns.append(_cell_turn(rng, usual, other // side, other % side))
    caption = sentence(f"{plural(usual.label)} and one {odd.label} in row {row}, column {column}")
    return _world(caption, turns, items, base)


def jumble(rng: WorldRng) -> World:
    """Sixteen tiny things in a table of 25 cells: more than the tokens of one look can describe.

    Questions are about the shapes, each of which occurs once; the rest are objects.
    """
    side, num_shapes, num_objects = 5, 6, 10
    names = rng.shuffled(SHAPES)[:num_shapes]
    shapes = [_shape(rng, name) for name in names]
    objects = [rng.object(lambda thing: thing.fits_sentences) for _ in range(num_objects)]
    things = [*shapes, *(thing for thing in objects if thing is not None)]
    sites = rng.random.sample(range(side * side), len(things))
    items = []
    for thing, site in zip(things, sites, strict=True):
        x, y = ((n + 0.5) / side + rng.between(-0.03, 0.03) for n in (site % side, site // side))
        items.append(Placed(thing, x, y, rng.between(0.11, 0.15), rng.rgb(thing)))
    base = ground(rng, rng.canvas, items)
    turns = [replace(turn, task="small") for turn in color_turns(rng, shapes)]
    turns += presence_turns(rng, shapes)
    caption = f"many small things, such as {listed([an(thing.label) for thing in shapes[:3]])}"
    return _world(sentence(caption), turns, items, base)


def _shape(rng: WorldRng, name: str) -> Thing:
    return rng.shape(lambda thing: thing.name == name)


def _cell_turn(rng: WorldRng, thing: Thing, row: int, column: int) -> QAPair:
    text = rng.ask("cell", row=row + 1, column=column + 1)
    return QAPair("detail", text, sentence(an(thing.label)), (thing.label,), thing.nearly)


def _lay_out(rng: WorldRng, things: list[Thing], side: int) -> tuple[list[Placed], Ground]:
    size = rng.between(0.55, 0.75) / side
    rgbs = {thing: rng.rgb(thing) for thing in things}
    items = []
    for i, thing in enumerate(things):
        x, y = (i % side + 0.5) / side, (i // side + 0.5) / side
        items.append(Placed(thing, x, y, size, rgbs[thing]))
    return items, ground(rng, rng.canvas, items)


def _world(caption: str, turns: list[QAPair], items: list[Placed], base: Ground) -> World:
    return World(paint(base.picture, items), caption, tuple(turns), items, base.color)
