"""Worlds in which things move. The first frame does not reveal the direction."""

from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from data.synthetic.drawing.assets import Thing
from data.synthetic.drawing.canvas import Placed, ground, write_text
from data.synthetic.drawing.film import film, timing
from data.synthetic.drawing.shapes import COLORS
from data.synthetic.language.words import WORDS, an, sentence
from data.synthetic.makers.scenes import color_turns
from data.synthetic.makers.texts import poster_colors
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip, QAPair, World

# Direction -> step in x and y, wording, accepted answers.
DIRECTIONS: dict[str, tuple[int, int, str, tuple[str, ...]]] = {
    "left": (-1, 0, "moves to the left", ("left",)),
    "right": (1, 0, "moves to the right", ("right",)),
    "up": (0, -1, "moves up", ("up", "top")),
    "down": (0, 1, "moves down", ("down", "bottom")),
    "still": (0, 0, "does not move", ("not move", "not moving", "still", "nowhere", "stays")),
}


def motion(rng: WorldRng) -> World:
    """One thing moves or stays, sometimes next to a still one: in which direction?"""
    world = _one_mover(rng, rng.by_slot(list(DIRECTIONS)))
    # Most of these move, so always asking whether they do would teach to answer yes.
    turns = [turn for turn in world.turns if turn.answer != "Yes." or rng.chance(0.2)]
    return replace(world, turns=tuple(turns))


def stir(rng: WorldRng) -> World:
    """As `motion`, asking whether anything moves at all."""
    moving = rng.pick([direction for direction in DIRECTIONS if direction != "still"])
    world = _one_mover(rng, rng.by_slot(("still", moving)))
    return replace(world, turns=tuple(sorted(world.turns, key=lambda turn: turn.task != "moves")))


def _one_mover(rng: WorldRng, direction: str) -> World:
    bystander = rng.chance(0.25) and direction != "still"
    things = rng.things(2 if bystander else 1)
    size = rng.between(0.22, 0.32)
    start_x, start_y = 0.5 + rng.between(-0.11, 0.11), 0.5 + rng.between(-0.11, 0.11)
    mover = Placed(things[0], start_x, start_y, size, rng.rgb(things[0]))
    items = [mover]
    if bystander:
        # In a corner, out of every possible path of the mover.
        x, y = rng.pick((0.13, 0.87)), rng.pick((0.13, 0.87))
        items.append(Placed(things[1], x, y, 0.2, rng.rgb(things[1])))
    base = ground(rng, rng.clip_canvas, items)
    path = _path(rng, mover, direction, rng.between(0.25, 0.31))
    clip = film(rng, base.picture, path, standing=items[1:])
    turns = [_motion_turn(rng, things[0], direction)]
    if bystander:
        turns += [
            _motion_turn(rng, things[1], "still"),
            QAPair(
                "mover",
                rng.ask("mover"),
                sentence(f"the {things[0].label}"),
                (things[0].label,),
                things[0].nearly,
            ),
        ]
    answer = "no" if direction == "still" else "yes"
    turns.append(QAPair("moves", rng.ask("moves", x=things[0].name), sentence(answer), (answer,)))
    turns += color_turns(rng, things[:1])
    text = DIRECTIONS[direction][2]
    caption = f"{an(things[0].label)} {text}" + (
        f", {an(things[1].label)} does not move" if bystander else ""
    )
    return World(clip, sentence(caption), tuple(turns), ground=base.color)


def movers(rng: WorldRng) -> World:
    """Two things that move in different directions."""
    names = list(DIRECTIONS)
    first = rng.by_slot(names)
    across = rng.chance(0.5)  # side by side, otherwise one above the other
    # Two things that run into each other are ambiguous while they meet.
    meeting = ("right", "left") if across else ("down", "up")
    second = rng.pick([d for d in names if d != first and (first, d) != meeting])
    things = rng.things(2)
    items = []
    for thing, center in zip(things, (0.29, 0.71), strict=True):
        other = 0.5 + rng.between(-0.12, 0.12)
        x, y = (center, other) if across else (other, center)
        items.append(Placed(thing, x, y, rng.between(0.19, 0.24), rng.rgb(thing)))
    base = ground(rng, rng.clip_canvas, items)
    paths = [_path(rng, item, way, 0.22) for item, way in zip(items, (first, second), strict=True)]
    clip = film(rng, base.picture, lambda time: [path(time)[0] for path in paths])
    turns = [
        _motion_turn(rng, thing, way) for thing, way in zip(things, (first, second), strict=True)
    ]
    turns += color_turns(rng, things)
    texts = [
        f"{an(t.label)} {DIRECTIONS[way][2]}"
        for t, way in zip(things, (first, second), strict=True)
    ]
    return World(
        clip,
        sentence(" and ".join(texts)),
        tuple(replace(t, task="movers") if t.task == "motion" else t for t in turns),
        ground=base.color,
    )


def scroll(rng: WorldRng) -> World:
    """A word that moves through the picture."""
    text = rng.pick(WORDS[rng.held])
    paper, ink = poster_colors(rng)
    width, height = rng.clip_canvas
    strip = Image.new("RGB", (width, height), COLORS[paper])
    word = rng.pick((text, text.upper(), text.upper(), text.capitalize()))
    write_text(strip, word, rng.pick(rng.assets.fonts), (0.08, 0.3, 0.92, 0.7), COLORS[ink])
    step_x, step_y, _, _ = DIRECTIONS[rng.by_slot(("left", "up", "right", "down"))]
    fps, num_frames = timing(rng)
    frames = []
    for i in range(num_frames):
        gone = 0.6 * (i / (num_frames - 1) - 0.5)
        picture = Image.new("RGB", (width, height), COLORS[paper])
        picture.paste(strip, (round(step_x * gone * width), round(step_y * gone * height)))
        frames.append(picture)
    turn = QAPair("scroll", rng.ask("scroll"), sentence(f"the word is {text}"), (text,))
    return World(Clip(frames, fps), sentence(f"the word {text} moves through"), (turn,))


def _path(
    rng: WorldRng, item: Placed, direction: str, length: float
) -> Callable[[float], list[Placed]]:
    """A thing's path as a function of time from 0 to 1, some with a pause at one end."""
    step_x, step_y, _, _ = DIRECTIONS[direction]
    begin, end = rng.pick(((0.0, 1.0), (0.0, 1.0), (0.12, 1.0), (0.0, 0.88)))

    def at(time: float) -> list[Placed]:
        share = min(max((time - begin) / (end - begin), 0.0), 1.0) * length
        return [replace(item, x=item.x + step_x * share, y=item.y + step_y * share)]

    return at


def _motion_turn(rng: WorldRng, thing: Thing, direction: str) -> QAPair:
    _, _, text, accept = DIRECTIONS[direction]
    return QAPair("motion", rng.ask("motion", x=rng.refer(thing)), sentence(f"it {text}"), accept)
