"""Worlds in which things appear, vanish and change: order, change and number of events."""

from collections.abc import Sequence

from PIL import Image

from data.synthetic.drawing.assets import Thing
from data.synthetic.drawing.canvas import PLACES, Placed, ground, paint, place
from data.synthetic.drawing.film import film
from data.synthetic.drawing.shapes import COLORS
from data.synthetic.language.words import COUNTS, an, listed, plural, sentence
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip, QAPair, World


def order(rng: WorldRng) -> World:
    """Two or three things appear in turn; each stays or makes room for the next."""
    num = rng.pick((2, 2, 3))
    things = rng.things(num)
    stays = rng.chance(0.4)
    places = (
        rng.random.sample(list(PLACES), num)
        if stays or rng.chance(0.5)
        else ["in the middle"] * num
    )
    big = rng.between(0.45, 0.6) if places[0] == places[1] else rng.between(0.24, 0.32)
    items = [_put(rng, thing, where, big) for thing, where in zip(things, places, strict=True)]
    base = ground(rng, rng.clip_canvas, items)
    blank = rng.pick((0.0, 0.0, 0.12))

    def at(time: float) -> Sequence[Placed]:
        come = int(min(max(time - blank, -1e-9) / (1 - blank), 0.999) * num) + (time >= blank)
        return items[:come] if stays else items[max(come - 1, 0) : come]

    first, last = things[0], things[-1]
    x, y = rng.shuffled((first, last))
    follower = things[1]
    turns = [
        _which(rng, "first", first, "order"),
        _which(rng, "last", last, "order"),
        QAPair(
            "order",
            rng.ask("earlier", x=x.name, y=y.name),
            sentence(f"the {first.name} comes first"),
            (first.name,),
            wrong=(last.name,),
        ),
        _which(rng, "after", follower, "order", x=first.name),
    ]
    turn = rng.slot % len(turns)
    text = ", then ".join(an(thing.label) for thing in things)
    return World(
        film(rng, base.picture, at),
        sentence(f"first {text}"),
        (*turns[turn:], *turns[:turn]),
        ground=base.color,
    )


def change(rng: WorldRng) -> World:
    """A thing turns into another one."""
    before, after = rng.things(2)
    where = rng.pick(list(PLACES))
    size = rng.between(0.4, 0.6)
    items = [_put(rng, thing, where, size) for thing in (before, after)]
    base = ground(rng, rng.clip_canvas, items)
    turns = (
        _which(rng, "change", after, "change", x=before.name),
        _which(rng, "first", before, "order"),
        _which(rng, "last", after, "order"),
    )
    caption = sentence(f"{an(before.label)} turns into {an(after.label)}")
    return World(_turn_into(rng, base.picture, items), caption, turns, ground=base.color)


def recolor(rng: WorldRng) -> World:
    """A shape changes its color."""
    color = rng.by_slot(list(COLORS))
    after = rng.shape(lambda thing: thing.color == color)
    old = rng.other_color(after)
    before = Thing(after.name, "shape", color=old)
    where = rng.pick(list(PLACES))
    size = rng.between(0.35, 0.6)
    items = [_put(rng, thing, where, size) for thing in (before, after)]
    base = ground(rng, rng.clip_canvas, items)
    name = after.name
    new = QAPair("recolour", rng.ask("new colour", x=name), sentence(f"it turns {color}"), (color,))
    first = QAPair(
        "recolour", rng.ask("old colour", x=name), sentence(f"it is {old} at first"), (old,)
    )
    turns = (new, first) if rng.slot // len(COLORS) % 2 == 0 else (first, new)
    caption = sentence(f"the {name} turns from {old} to {color}")
    return World(_turn_into(rng, base.picture, items), caption, turns, ground=base.color)


def appear(rng: WorldRng) -> World:
    """Two or three things, one of which appears later."""
    return _come_or_go(rng, appears=True)


def vanish(rng: WorldRng) -> World:
    """Two or three things, one of which vanishes."""
    return _come_or_go(rng, appears=False)


def _come_or_go(rng: WorldRng, appears: bool) -> World:
    things = rng.things(rng.pick((2, 3)))
    places = rng.random.sample(list(PLACES), len(things))
    items = [
        _put(rng, t, where, rng.between(0.24, 0.32))
        for t, where in zip(things, places, strict=True)
    ]
    base = ground(rng, rng.clip_canvas, items)
    moment = rng.between(0.35, 0.65)
    clip = film(
        rng,
        base.picture,
        lambda time: items[:1] if (time >= moment) == appears else [],
        standing=items[1:],
    )
    question, happens = ("appear", "appears") if appears else ("vanish", "disappears")
    turn = _which(rng, question, things[0], question)
    there = listed([an(thing.label) for thing in things[1:]])
    caption = f"{there}, then {an(things[0].label)} {happens}"
    if not appears:
        everything = listed([an(thing.label) for thing in rng.shuffled(things)])
        caption = f"{everything}, then the {things[0].name} {happens}"
    stays = QAPair("presence", rng.ask("presence", a_x=an(things[1].name)), "Yes.", ("yes",))
    gone = QAPair("presence", rng.ask("presence", a_x=an(rng.absent(things).name)), "No.", ("no",))
    return World(clip, sentence(caption), (turn, rng.pick((stays, gone))), ground=base.color)


def tally(rng: WorldRng) -> World:
    """One to four equal things appear one by one and stay, or each vanishes before the next."""
    num = rng.by_slot((1, 2, 3, 4))
    thing = rng.things(1)[0]
    places = rng.random.sample(list(PLACES), num)
    size, rgb = rng.between(0.24, 0.3), rng.rgb(thing)
    items = [_put(rng, thing, where, size) for where in places]
    items = [Placed(thing, item.x, item.y, size, rgb) for item in items]
    base = ground(rng, rng.clip_canvas, items)
    stays = rng.chance(0.5)

    def at(time: float) -> Sequence[Placed]:
        part = min(time, 0.999) * num
        come = int(part) + (part % 1 > 0.25)
        if stays:
            return items[:come]
        return items[come - 1 : come] if part % 1 > 0.25 else []

    verb = "appears" if num == 1 else "appear"
    text = f"{COUNTS[num]} {thing.name if num == 1 else plural(thing.name)} {verb}"
    turn = QAPair("tally", rng.ask("tally", xs=plural(thing.name)), sentence(text), (str(num),))
    text = text if not thing.color else text.replace(thing.name, thing.label, 1)
    clip = film(rng, base.picture, at)
    return World(clip, sentence(text), (turn,), ground=base.color)


def _which(rng: WorldRng, question: str, thing: Thing, task: str, **words: str) -> QAPair:
    return QAPair(
        task, rng.ask(question, **words), sentence(an(thing.label)), (thing.label,), thing.nearly
    )


def _put(rng: WorldRng, thing: Thing, where: str, size: float) -> Placed:
    """As `place`, on the canvas of a clip."""
    return place(rng, thing, where, size, rng.clip_canvas)


def _turn_into(rng: WorldRng, base: Image.Image, items: list[Placed]) -> Clip:
    """Shows the first thing, a short dissolve or a cut, then the second thing."""
    before, after = (paint(base, [item]) for item in items)
    moment, length = rng.between(0.4, 0.6), rng.pick((0.0, 0.15, 0.25))
    clip = film(rng, base, lambda time: [])
    num_frames = len(clip.frames)
    frames, placed = [], []
    for i in range(num_frames):
        share = (
            (i / (num_frames - 1) - moment) / length + 0.5
            if length
            else float(i / num_frames >= moment)
        )
        placed.append(items[:1] if share < 0.5 else items[1:])
        if share <= 0:
            frames.append(before)
        elif share >= 1:
            frames.append(after)
        else:
            frames.append(Image.blend(before, after, share))
    return Clip(frames, clip.fps, placed)
