"""Worlds in which things come, go and change: what was first, what became what, how many came."""

from collections.abc import Sequence

from PIL import Image

from data.synthetic.dice import Dice
from data.synthetic.drawing.canvas import PLACES, Placed, ground, paint, place
from data.synthetic.drawing.film import film
from data.synthetic.drawing.shapes import COLOURS
from data.synthetic.drawing.stock import Thing
from data.synthetic.language.words import COUNTS, an, listed, plural, sentence
from data.synthetic.world import Clip, Turn, World


def order(dice: Dice) -> World:
    """Two or three things come one after another; each stays or makes room for the next."""
    num = dice.pick((2, 2, 3))
    things = dice.things(num)
    stays = dice.chance(0.4)
    places = (
        dice.random.sample(list(PLACES), num)
        if stays or dice.chance(0.5)
        else ["in the middle"] * num
    )
    big = dice.between(0.45, 0.6) if places[0] == places[1] else dice.between(0.24, 0.32)
    items = [_put(dice, thing, where, big) for thing, where in zip(things, places, strict=True)]
    base = ground(dice, dice.clip_canvas, items)
    blank = dice.pick((0.0, 0.0, 0.12))

    def at(time: float) -> Sequence[Placed]:
        come = int(min(max(time - blank, -1e-9) / (1 - blank), 0.999) * num) + (time >= blank)
        return items[:come] if stays else items[max(come - 1, 0) : come]

    first, last = things[0], things[-1]
    x, y = dice.shuffled((first, last))
    follower = things[1]
    turns = [
        _which(dice, "first", first, "order"),
        _which(dice, "last", last, "order"),
        Turn(
            "order",
            dice.ask("earlier", x=x.name, y=y.name),
            sentence(f"the {first.name} comes first"),
            (first.name,),
            wrong=(last.name,),
        ),
        _which(dice, "after", follower, "order", x=first.name),
    ]
    turn = dice.slot % len(turns)
    told = ", then ".join(an(thing.label) for thing in things)
    return World(
        film(dice, base.picture, at),
        sentence(f"first {told}"),
        (*turns[turn:], *turns[:turn]),
        ground=base.colour,
    )


def change(dice: Dice) -> World:
    """A thing turns into another one."""
    before, after = dice.things(2)
    where = dice.pick(list(PLACES))
    size = dice.between(0.4, 0.6)
    items = [_put(dice, thing, where, size) for thing in (before, after)]
    base = ground(dice, dice.clip_canvas, items)
    turns = (
        _which(dice, "change", after, "change", x=before.name),
        _which(dice, "first", before, "order"),
        _which(dice, "last", after, "order"),
    )
    caption = sentence(f"{an(before.label)} turns into {an(after.label)}")
    return World(_turn_into(dice, base.picture, items), caption, turns, ground=base.colour)


def recolour(dice: Dice) -> World:
    """A shape changes its colour."""
    colour = dice.by_slot(list(COLOURS))
    after = dice.shape(lambda thing: thing.colour == colour)
    old = dice.other_colour(after)
    before = Thing(after.name, "shape", colour=old)
    where = dice.pick(list(PLACES))
    size = dice.between(0.35, 0.6)
    items = [_put(dice, thing, where, size) for thing in (before, after)]
    base = ground(dice, dice.clip_canvas, items)
    name = after.name
    new = Turn(
        "recolour", dice.ask("new colour", x=name), sentence(f"it turns {colour}"), (colour,)
    )
    first = Turn(
        "recolour", dice.ask("old colour", x=name), sentence(f"it is {old} at first"), (old,)
    )
    turns = (new, first) if dice.slot // len(COLOURS) % 2 == 0 else (first, new)
    caption = sentence(f"the {name} turns from {old} to {colour}")
    return World(_turn_into(dice, base.picture, items), caption, turns, ground=base.colour)


def appear(dice: Dice) -> World:
    """Two or three things, of which one comes later."""
    return _come_or_go(dice, appears=True)


def vanish(dice: Dice) -> World:
    """Two or three things, of which one goes away."""
    return _come_or_go(dice, appears=False)


def _come_or_go(dice: Dice, appears: bool) -> World:
    things = dice.things(dice.pick((2, 3)))
    places = dice.random.sample(list(PLACES), len(things))
    items = [
        _put(dice, t, where, dice.between(0.24, 0.32))
        for t, where in zip(things, places, strict=True)
    ]
    base = ground(dice, dice.clip_canvas, items)
    moment = dice.between(0.35, 0.65)
    clip = film(
        dice,
        base.picture,
        lambda time: items[:1] if (time >= moment) == appears else [],
        standing=items[1:],
    )
    question, happens = ("appear", "appears") if appears else ("vanish", "disappears")
    turn = _which(dice, question, things[0], question)
    there = listed([an(thing.label) for thing in things[1:]])
    caption = f"{there}, then {an(things[0].label)} {happens}"
    if not appears:
        everything = listed([an(thing.label) for thing in dice.shuffled(things)])
        caption = f"{everything}, then the {things[0].name} {happens}"
    stays = Turn("presence", dice.ask("presence", a_x=an(things[1].name)), "Yes.", ("yes",))
    gone = Turn("presence", dice.ask("presence", a_x=an(dice.absent(things).name)), "No.", ("no",))
    return World(clip, sentence(caption), (turn, dice.pick((stays, gone))), ground=base.colour)


def tally(dice: Dice) -> World:
    """One to four of a kind come one by one and stay, or each is gone before the next."""
    num = dice.by_slot((1, 2, 3, 4))
    thing = dice.things(1)[0]
    places = dice.random.sample(list(PLACES), num)
    size, rgb = dice.between(0.24, 0.3), dice.rgb(thing)
    items = [_put(dice, thing, where, size) for where in places]
    items = [Placed(thing, item.x, item.y, size, rgb) for item in items]
    base = ground(dice, dice.clip_canvas, items)
    stays = dice.chance(0.5)

    def at(time: float) -> Sequence[Placed]:
        part = min(time, 0.999) * num
        come = int(part) + (part % 1 > 0.25)
        if stays:
            return items[:come]
        return items[come - 1 : come] if part % 1 > 0.25 else []

    verb = "appears" if num == 1 else "appear"
    told = f"{COUNTS[num]} {thing.name if num == 1 else plural(thing.name)} {verb}"
    turn = Turn("tally", dice.ask("tally", xs=plural(thing.name)), sentence(told), (str(num),))
    told = told if not thing.colour else told.replace(thing.name, thing.label, 1)
    clip = film(dice, base.picture, at)
    return World(clip, sentence(told), (turn,), ground=base.colour)


def _which(dice: Dice, question: str, thing: Thing, task: str, **words: str) -> Turn:
    return Turn(
        task, dice.ask(question, **words), sentence(an(thing.label)), (thing.label,), thing.nearly
    )


def _put(dice: Dice, thing: Thing, where: str, size: float) -> Placed:
    """As `place`, on the canvas of the clip."""
    return place(dice, thing, where, size, dice.clip_canvas)


def _turn_into(dice: Dice, base: Image.Image, items: list[Placed]) -> Clip:
    """The first thing, a short dissolve or a cut, the second thing."""
    before, after = (paint(base, [item]) for item in items)
    moment, length = dice.between(0.4, 0.6), dice.pick((0.0, 0.15, 0.25))
    clip = film(dice, base, lambda time: [])
    num_frames = len(clip.frames)
    frames, shown = [], []
    for i in range(num_frames):
        share = (
            (i / (num_frames - 1) - moment) / length + 0.5
            if length
            else float(i / num_frames >= moment)
        )
        shown.append(items[:1] if share < 0.5 else items[1:])
        if share <= 0:
            frames.append(before)
        elif share >= 1:
            frames.append(after)
        else:
            frames.append(Image.blend(before, after, share))
    return Clip(frames, clip.fps, shown)
