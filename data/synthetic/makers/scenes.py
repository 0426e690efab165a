"""Worlds of things in a still picture: names, colours, places, numbers, sizes."""

from data.synthetic.dice import Dice
from data.synthetic.drawing.canvas import PLACES, Ground, Placed, ground, paint, place
from data.synthetic.drawing.shapes import COLOURS
from data.synthetic.drawing.stock import Thing
from data.synthetic.language.words import COUNTS, an, listed, plural, sentence
from data.synthetic.world import Turn, World

# How to get from one thing to its neighbour: column step, row step.
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
WHERE = list(PLACES)
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
# Families of objects whose name says too little to be nearly right.
VAGUE = ("object", "shape", "place", "sky", "science", "medical", "household", "event")


def single(dice: Dice) -> World:
    """One large thing: what it is. In scoring, objects are held-out ones."""
    thing = (None if dice.chance(0.3) else dice.object(own=True)) or _shape_by_slot(dice)
    size = dice.between(0.5, 0.85)
    item = place(dice, thing, dice.pick(WHERE), size)
    base = ground(dice, dice.canvas, [item], plain=dice.chance(0.4))
    turns = [name_turn(dice, thing)]
    turns += colour_turns(dice, [thing]) + background_turns(dice, base)
    if thing.fits_sentences:
        turns += presence_turns(dice, [thing])
    return _world(_caption([thing.described], base), turns, [item], base)


def known(dice: Dice) -> World:
    """As `single` with an object that training has seen: in scoring, what was learnt by heart."""
    thing = dice.pick(dice.pick(dice.seen.kinds)) if dice.seen.kinds else _shape_by_slot(dice)
    item = place(dice, thing, dice.pick(WHERE), dice.between(0.5, 0.85))
    base = ground(dice, dice.canvas, [item])
    return _world(_caption([thing.described], base), [name_turn(dice, thing)], [item], base)


def several(dice: Dice) -> World:
    """One to four things in different places: colours, places, presence, which is left or above."""
    where = dice.by_slot(WHERE)
    num = dice.pick((1, 2, 2, 3, 3, 4))
    first = _shape_by_slot(dice) if dice.chance(0.5) else dice.thing()
    things = dice.things(num, first)
    others = dice.random.sample([other for other in WHERE if other != where], num - 1)
    items = _lay_out(dice, things, [where, *others], 0.24, 0.32)
    base = ground(dice, dice.canvas, items, plain=dice.chance(0.4))
    turns = [
        place_turn(dice, thing, at) for thing, at in zip(things, [where, *others], strict=True)
    ]
    turns += (
        colour_turns(dice, things) + background_turns(dice, base) + presence_turns(dice, things)
    )
    if not dice.held:  # scored with pairs, where each answer comes up equally often
        turns += _side_turns(dice, things, [where, *others])
    order = sorted(range(num), key=lambda i: WHERE.index([where, *others][i]))
    parts = [f"{things[i].described} {[where, *others][i]}" for i in order]
    return _world(_caption(parts, base), turns, items, base)


def pair(dice: Dice) -> World:
    """Two things, side by side or one above the other: which is where."""
    relation = dice.by_slot(list(RELATIONS))
    step_x, step_y = RELATIONS[relation]
    first, second = dice.things(2)
    lane = dice.pick((0, 1, 2))
    near, far = sorted(dice.random.sample((0, 1, 2), 2))
    low, high = near * 3 + lane, far * 3 + lane  # one above the other
    if step_x:
        low, high = lane * 3 + near, lane * 3 + far  # side by side
    before = step_x + step_y < 0  # the first thing comes before the second one in reading order
    places = [WHERE[low], WHERE[high]] if before else [WHERE[high], WHERE[low]]
    items = _lay_out(dice, [first, second], places, 0.24, 0.32)
    base = ground(dice, dice.canvas, items)
    opposite = OPPOSITE[relation]
    turns = [
        side_turn(dice, first, second, relation),
        neighbour_turn(dice, first, second, relation),
        side_turn(dice, second, first, opposite),
        neighbour_turn(dice, second, first, opposite),
        *(place_turn(dice, *at) for at in zip((first, second), places, strict=True)),
        *colour_turns(dice, [first, second]),
        *presence_turns(dice, [first, second]),
    ]
    caption = sentence(f"{first.described} {relation} {second.described}")
    return _world(caption, turns, items, base)


def crowd(dice: Dice) -> World:
    """Some of one kind, and perhaps some others: how many there are."""
    num = dice.by_slot((0, 1, 2, 3, 4))
    target, other = dice.things(2)
    num_others = dice.random.randint(1, 3) if num == 0 else dice.pick((0, 0, 1, 2, 3))
    places = dice.random.sample(WHERE, num + num_others)
    size = dice.between(0.22, 0.3)
    rgbs = {target: dice.rgb(target), other: dice.rgb(other)}
    items = []
    for i, where in enumerate(places):
        thing = target if i < num else other
        spot = place(dice, thing, where, size * dice.between(0.93, 1.04))
        items.append(Placed(thing, spot.x, spot.y, spot.size, rgbs[thing]))
    base = ground(dice, dice.canvas, items)
    turns = [count_turn(dice, target, num)]
    if num_others:
        turns.append(count_turn(dice, other, num_others))
        total = num + num_others
        things = "thing" if total == 1 else "things"
        answer = sentence(f"there {'is' if total == 1 else 'are'} {COUNTS[total]} {things}")
        turns.append(Turn("count", dice.ask("count", xs="things"), answer, (str(total),)))
    elif dice.chance(0.3):
        turns.append(count_turn(dice, other, 0))
    turns += presence_turns(dice, [target] if num else [other])
    parts = [_number_of(thing, n) for thing, n in ((target, num), (other, num_others)) if n]
    return _world(_caption(parts, base), turns, items, base)


def sizes(dice: Dice) -> World:
    """A big and a small thing: which is bigger."""
    big, small = dice.things(2)
    left, right = dice.pick(
        (("on the left", "on the right"), ("at the top left", "at the bottom right"))
    )
    if dice.chance(0.5):
        left, right = right, left
    base_size = dice.between(0.38, 0.46)
    items = [
        place(dice, big, left, base_size),
        place(dice, small, right, base_size * dice.between(0.4, 0.55)),
    ]
    base = ground(dice, dice.canvas, items)
    turns = []
    for question, right_one, other in (("bigger", big, small), ("smaller", small, big)):
        x, y = dice.shuffled((right_one, other))
        text = dice.ask(question, x=x.name, y=y.name)
        answer = sentence(f"the {right_one.name} is {question}")
        turns.append(Turn("compare", text, answer, (right_one.name,), wrong=(other.name,)))
    turns = turns if dice.by_slot((True, False)) else turns[::-1]
    relation = "left of" if items[0].x < items[1].x else "right of"
    turns.append(side_turn(dice, big, small, relation))
    turns += colour_turns(dice, [big, small])
    caption = sentence(f"a big {big.label} and a small {small.label}")
    return _world(caption, turns, items, base)


# Turns that several worlds ask


def name_turn(dice: Dice, thing: Thing) -> Turn:
    """What is this?"""
    last = thing.name.split()[-1]  # a "police car" is nearly right as a car
    near = tuple(sorted({thing.name, last, thing.category} - {thing.label, *VAGUE}))
    accept = (thing.label, f"{thing.colour} ball") if thing.name == "circle" else (thing.label,)
    return Turn("name", dice.ask("name"), sentence(thing.described), accept, near)


def colour_turns(dice: Dice, things: list[Thing]) -> list[Turn]:
    """The colour of every shape among the things."""
    return [
        Turn(
            "colour",
            dice.ask("colour", x=thing.name),
            sentence(f"it is {thing.colour}"),
            (thing.colour,),
        )
        for thing in things
        if thing.colour
    ]


def background_turns(dice: Dice, base: Ground) -> list[Turn]:
    """The colour of the background, where it has a plain one."""
    if not base.colour:
        return []
    return [
        Turn("background", dice.ask("background"), sentence(f"it is {base.colour}"), (base.colour,))
    ]


def place_turn(dice: Dice, thing: Thing, where: str) -> Turn:
    """Where is it? A side alone is nearly right for a corner, and the other way round."""
    words = where.split()[2:] if where.split()[1] == "the" else where.split()
    near = (
        tuple(words)
        if len(words) > 1
        else tuple(" ".join(w.split()[2:]) for w in WHERE if words[0] in w)
    )
    answer = sentence(f"it is {where}")
    return Turn("place", dice.ask("place", x=dice.refer(thing)), answer, (" ".join(words),), near)


def side_turn(dice: Dice, first: Thing, second: Thing, relation: str) -> Turn:
    """Is it left or right, above or below?"""
    question = "left or right" if relation in ("left of", "right of") else "above or below"
    text = dice.ask(question, x=first.name, y=second.name)
    word = relation.split()[0]
    accept = {"above": ("above", "top", "up"), "below": ("below", "bottom", "down")}.get(
        word, (word,)
    )
    return Turn("side", text, sentence(f"it is {relation} the {second.name}"), accept)


def _side_turns(dice: Dice, things: list[Thing], places: list[str]) -> list[Turn]:
    """Of some things in different places, one question each about where it is from another's."""
    turns = []
    for i in dice.shuffled(range(len(things)))[: len(things) - 1]:
        j = dice.pick([other for other in range(len(things)) if other != i])
        row, column = divmod(WHERE.index(places[i]), 3)
        other_row, other_column = divmod(WHERE.index(places[j]), 3)
        across = "left of" if column < other_column else "right of"
        down = "above" if row < other_row else "below"
        apart = [across] * (column != other_column) + [down] * (row != other_row)
        turns.append(side_turn(dice, things[i], things[j], dice.pick(apart)))
    return turns


def neighbour_turn(dice: Dice, first: Thing, second: Thing, relation: str) -> Turn:
    """What is left of it?"""
    text = dice.ask("neighbour", relation=relation, y=second.name)
    return Turn(
        "neighbour", text, sentence(first.described), (first.label,), first.nearly, (second.name,)
    )


def presence_turns(dice: Dice, things: list[Thing]) -> list[Turn]:
    """One question about what is there and one about what is not, by turns first."""
    there, absent = dice.pick(things), dice.absent(things)
    if there.is_shape and dice.chance(0.35):
        # The same shape in another colour is harder than another shape.
        absent = Thing(there.name, there.category, colour=dice.other_colour(there))
    hard = absent.name == there.name
    turns = []
    for thing, answer in ((there, "yes"), (absent, "no")):
        label = thing.label if hard or dice.chance(0.5) else thing.name
        text = dice.ask("presence", a_x=an(label))
        turns.append(Turn("presence", text, sentence(answer), (answer,)))
    return turns if dice.by_slot((True, False)) else turns[::-1]


def count_turn(dice: Dice, thing: Thing, num: int) -> Turn:
    """How many are there?"""
    label = dice.refer(thing)
    verb = "is" if num == 1 else "are"
    answer = sentence(
        f"there {verb} {COUNTS[num]} {thing.name if num == 1 else plural(thing.name)}"
    )
    return Turn("count", dice.ask("count", xs=plural(label)), answer, (str(num),))


def _shape_by_slot(dice: Dice) -> Thing:
    colour = dice.by_slot(list(COLOURS))
    return dice.shape(lambda thing: thing.colour == colour)


def _lay_out(
    dice: Dice, things: list[Thing], places: list[str], low: float, high: float
) -> list[Placed]:
    pairs = zip(things, places, strict=True)
    return [place(dice, thing, where, dice.between(low, high)) for thing, where in pairs]


def _world(caption: str, turns: list[Turn], items: list[Placed], base: Ground) -> World:
    return World(paint(base.picture, items), caption, tuple(turns), items, base.colour)


def _number_of(thing: Thing, num: int) -> str:
    return an(thing.label) if num == 1 else f"{COUNTS[num]} {plural(thing.label)}"


def _caption(parts: list[str], base: Ground) -> str:
    told = sentence(listed(parts))
    return f"{told} The background is {base.colour}." if base.colour else told
