"""Worlds of things in a still picture: names, colors, places, numbers, sizes."""

from data.synthetic.drawing.assets import Thing
from data.synthetic.drawing.canvas import PLACES, Ground, Placed, ground, paint, place
from data.synthetic.drawing.shapes import COLORS
from data.synthetic.language.words import COUNTS, an, listed, plural, sentence
from data.synthetic.rng import WorldRng
from data.synthetic.world import QAPair, World

# Relation -> column step and row step to the neighbor.
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
WHERE = list(PLACES)
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
# Object categories too vague to count as nearly right.
VAGUE = ("object", "shape", "place", "sky", "science", "medical", "household", "event")


def single(rng: WorldRng) -> World:
    """One large thing: what is it? Scoring uses held-out objects."""
    thing = (None if rng.chance(0.3) else rng.object(own=True)) or _shape_by_slot(rng)
    size = rng.between(0.5, 0.85)
    item = place(rng, thing, rng.pick(WHERE), size)
    base = ground(rng, rng.canvas, [item], plain=rng.chance(0.4))
    turns = [name_turn(rng, thing)]
    turns += color_turns(rng, [thing]) + background_turns(rng, base)
    if thing.fits_sentences:
        turns += presence_turns(rng, [thing])
    return _world(_caption([thing.described], base), turns, [item], base)


def known(rng: WorldRng) -> World:
    """As `single` with an object from training: measures in scoring what was memorized."""
    thing = (
        rng.pick(rng.pick(rng.train_assets.objects))
        if rng.train_assets.objects
        else _shape_by_slot(rng)
    )
    item = place(rng, thing, rng.pick(WHERE), rng.between(0.5, 0.85))
    base = ground(rng, rng.canvas, [item])
    return _world(_caption([thing.described], base), [name_turn(rng, thing)], [item], base)


def several(rng: WorldRng) -> World:
    """One to four things in different places: color, place, presence, relative position."""
    where = rng.by_slot(WHERE)
    num = rng.pick((1, 2, 2, 3, 3, 4))
    first = _shape_by_slot(rng) if rng.chance(0.5) else rng.thing()
    things = rng.things(num, first)
    others = rng.random.sample([other for other in WHERE if other != where], num - 1)
    items = _lay_out(rng, things, [where, *others], 0.24, 0.32)
    base = ground(rng, rng.canvas, items, plain=rng.chance(0.4))
    turns = [place_turn(rng, thing, at) for thing, at in zip(things, [where, *others], strict=True)]
    turns += color_turns(rng, things) + background_turns(rng, base) + presence_turns(rng, things)
    if not rng.held:  # scored with `pair`, where each answer occurs equally often
        turns += _side_turns(rng, things, [where, *others])
    order = sorted(range(num), key=lambda i: WHERE.index([where, *others][i]))
    parts = [f"{things[i].described} {[where, *others][i]}" for i in order]
    return _world(_caption(parts, base), turns, items, base)


def pair(rng: WorldRng) -> World:
    """Two things, side by side or one above the other: which is where?"""
    relation = rng.by_slot(list(RELATIONS))
    step_x, step_y = RELATIONS[relation]
    first, second = rng.things(2)
    lane = rng.pick((0, 1, 2))
    near, far = sorted(rng.random.sample((0, 1, 2), 2))
    low, high = near * 3 + lane, far * 3 + lane  # one above the other
    if step_x:
        low, high = lane * 3 + near, lane * 3 + far  # side by side
    before = step_x + step_y < 0  # the first thing precedes the second in reading order
    places = [WHERE[low], WHERE[high]] if before else [WHERE[high], WHERE[low]]
    items = _lay_out(rng, [first, second], places, 0.24, 0.32)
    base = ground(rng, rng.canvas, items)
    opposite = OPPOSITE[relation]
    turns = [
        side_turn(rng, first, second, relation),
        neighbor_turn(rng, first, second, relation),
        side_turn(rng, second, first, opposite),
        neighbor_turn(rng, second, first, opposite),
        *(place_turn(rng, *at) for at in zip((first, second), places, strict=True)),
        *color_turns(rng, [first, second]),
        *presence_turns(rng, [first, second]),
    ]
    caption = sentence(f"{first.described} {relation} {second.described}")
    return _world(caption, turns, items, base)


def crowd(rng: WorldRng) -> World:
    """Several equal things and perhaps some others: how many are there?"""
    num = rng.by_slot((0, 1, 2, 3, 4))
    target, other = rng.things(2)
    num_others = rng.random.randint(1, 3) if num == 0 else rng.pick((0, 0, 1, 2, 3))
    places = rng.random.sample(WHERE, num + num_others)
    size = rng.between(0.22, 0.3)
    rgbs = {target: rng.rgb(target), other: rng.rgb(other)}
    items = []
    for i, where in enumerate(places):
        thing = target if i < num else other
        spot = place(rng, thing, where, size * rng.between(0.93, 1.04))
        items.append(Placed(thing, spot.x, spot.y, spot.size, rgbs[thing]))
    base = ground(rng, rng.canvas, items)
    turns = [count_turn(rng, target, num)]
    if num_others:
        turns.append(count_turn(rng, other, num_others))
        total = num + num_others
        things = "thing" if total == 1 else "things"
        answer = sentence(f"there {'is' if total == 1 else 'are'} {COUNTS[total]} {things}")
        turns.append(QAPair("count", rng.ask("count", xs="things"), answer, (str(total),)))
    elif rng.chance(0.3):
        turns.append(count_turn(rng, other, 0))
    turns += presence_turns(rng, [target] if num else [other])
    parts = [_number_of(thing, n) for thing, n in ((target, num), (other, num_others)) if n]
    return _world(_caption(parts, base), turns, items, base)


def sizes(rng: WorldRng) -> World:
    """A big and a small thing: which is bigger?"""
    big, small = rng.things(2)
    left, right = rng.pick(
        (("on the left", "on the right"), ("at the top left", "at the bottom right"))
    )
    if rng.chance(0.5):
        left, right = right, left
    base_size = rng.between(0.38, 0.46)
    items = [
        place(rng, big, left, base_size),
        place(rng, small, right, base_size * rng.between(0.4, 0.55)),
    ]
    base = ground(rng, rng.canvas, items)
    turns = []
    for question, right_one, other in (("bigger", big, small), ("smaller", small, big)):
        x, y = rng.shuffled((right_one, other))
        text = rng.ask(question, x=x.name, y=y.name)
        answer = sentence(f"the {right_one.name} is {question}")
        turns.append(QAPair("compare", text, answer, (right_one.name,), wrong=(other.name,)))
    turns = turns if rng.by_slot((True, False)) else turns[::-1]
    relation = "left of" if items[0].x < items[1].x else "right of"
    turns.append(side_turn(rng, big, small, relation))
    turns += color_turns(rng, [big, small])
    caption = sentence(f"a big {big.label} and a small {small.label}")
    return _world(caption, turns, items, base)


# Questions that several worlds share


def name_turn(rng: WorldRng, thing: Thing) -> QAPair:
    """Asks what a thing is."""
    last = thing.name.split()[-1]  # "car" is nearly right for a "police car"
    near = tuple(sorted({thing.name, last, thing.category} - {thing.label, *VAGUE}))
    accept = (thing.label, f"{thing.color} ball") if thing.name == "circle" else (thing.label,)
    return QAPair("name", rng.ask("name"), sentence(thing.described), accept, near)


def color_turns(rng: WorldRng, things: list[Thing]) -> list[QAPair]:
    """Asks for the color of every shape among the things."""
    return [
        QAPair(
            "colour",
            rng.ask("colour", x=thing.name),
            sentence(f"it is {thing.color}"),
            (thing.color,),
        )
        for thing in things
        if thing.color
    ]


def background_turns(rng: WorldRng, base: Ground) -> list[QAPair]:
    """Asks for the color of a plain background."""
    if not base.color:
        return []
    return [
        QAPair("background", rng.ask("background"), sentence(f"it is {base.color}"), (base.color,))
    ]


def place_turn(rng: WorldRng, thing: Thing, where: str) -> QAPair:
    """Asks where a thing is; a side is nearly right for a corner and vice versa."""
    words = where.split()[2:] if where.split()[1] == "the" else where.split()
    near = (
        tuple(words)
        if len(words) > 1
        else tuple(" ".join(w.split()[2:]) for w in WHERE if words[0] in w)
    )
    answer = sentence(f"it is {where}")
    return QAPair("place", rng.ask("place", x=rng.refer(thing)), answer, (" ".join(words),), near)


def side_turn(rng: WorldRng, first: Thing, second: Thing, relation: str) -> QAPair:
    """Asks whether a thing is left or right of another, or above or below."""
    question = "left or right" if relation in ("left of", "right of") else "above or below"
    text = rng.ask(question, x=first.name, y=second.name)
    word = relation.split()[0]
    accept = {"above": ("above", "top", "up"), "below": ("below", "bottom", "down")}.get(
        word, (word,)
    )
    return QAPair("side", text, sentence(f"it is {relation} the {second.name}"), accept)


def _side_turns(rng: WorldRng, things: list[Thing], places: list[str]) -> list[QAPair]:
    """Asks for the relative position of all things but one, each to a random other one."""
    turns = []
    for i in rng.shuffled(range(len(things)))[: len(things) - 1]:
        j = rng.pick([other for other in range(len(things)) if other != i])
        row, column = divmod(WHERE.index(places[i]), 3)
        other_row, other_column = divmod(WHERE.index(places[j]), 3)
        across = "left of" if column < other_column else "right of"
        down = "above" if row < other_row else "below"
        apart = [across] * (column != other_column) + [down] * (row != other_row)
        turns.append(side_turn(rng, things[i], things[j], rng.pick(apart)))
    return turns


def neighbor_turn(rng: WorldRng, first: Thing, second: Thing, relation: str) -> QAPair:
    """Asks what is next to a thing in one direction."""
    text = rng.ask("neighbour", relation=relation, y=second.name)
    return QAPair(
        "neighbour", text, sentence(first.described), (first.label,), first.nearly, (second.name,)
    )


def presence_turns(rng: WorldRng, things: list[Thing]) -> list[QAPair]:
    """Asks about a present and an absent thing, in alternating order."""
    there, absent = rng.pick(things), rng.absent(things)
    if there.is_shape and rng.chance(0.35):
        # The same shape in another color is harder than another shape.
        absent = Thing(there.name, there.category, color=rng.other_color(there))
    hard = absent.name == there.name
    turns = []
    for thing, answer in ((there, "yes"), (absent, "no")):
        label = thing.label if hard or rng.chance(0.5) else thing.name
        text = rng.ask("presence", a_x=an(label))
        turns.append(QAPair("presence", text, sentence(answer), (answer,)))
    return turns if rng.by_slot((True, False)) else turns[::-1]


def count_turn(rng: WorldRng, thing: Thing, num: int) -> QAPair:
    """Asks how many there are."""
    label = rng.refer(thing)
    verb = "is" if num == 1 else "are"
    answer = sentence(
        f"there {verb} {COUNTS[num]} {thing.name if num == 1 else plural(thing.name)}"
    )
    return QAPair("count", rng.ask("count", xs=plural(label)), answer, (str(num),))


def _shape_by_slot(rng: WorldRng) -> Thing:
    color = rng.by_slot(list(COLORS))
    return rng.shape(lambda thing: thing.color == color)


def _lay_out(
    rng: WorldRng, things: list[Thing], places: list[str], low: float, high: float
) -> list[Placed]:
    pairs = zip(things, places, strict=True)
    return [place(rng, thing, where, rng.between(low, high)) for thing, where in pairs]


def _world(caption: str, turns: list[QAPair], items: list[Placed], base: Ground) -> World:
    return World(paint(base.picture, items), caption, tuple(turns), items, base.color)


def _number_of(thing: Thing, num: int) -> str:
    return an(thing.label) if num == 1 else f"{COUNTS[num]} {plural(thing.label)}"


def _caption(parts: list[str], base: Ground) -> str:
    text = sentence(listed(parts))
    return f"{text} The background is {base.color}." if base.color else text
