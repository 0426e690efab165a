"""Questions about the colors and places of things, and about the whole scene."""

import re
from collections import Counter
from collections.abc import Sequence

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, Exchange, exactly
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.scenes.questions import (
    FAMILIES,
    Asker,
    any_name,
    called,
)
from data.embedded.findings.scenes.scene import Scene, places
from data.embedded.findings.words import a, at, capital, counted, enumerate_words, number_word
from data.synthetic.language.imagenet_names import imagenet_classes
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.detection.coco import CLASSES
from vlm.experts.words import LARGE, MAX_LISTED, SMALL, place, place_in

TABLEWARE = CLASSES[CLASSES.index("bottle") : CLASSES.index("cake") + 1]
PARTS = {"animal": ("ears", "eyes", "legs", "feet"), "vehicle": ("wheels", "windows", "doors")}


def color(d: Draw, s: Scene) -> Exchange | None:
    things = [t for t in s.things if t.color and t.name != "person"]
    if not things:
        return None
    name = d.pick(things).name
    return color_of(d, s, name, d.ask(SCENES, "color", x=called(d, name)))


def color_of(d: Draw, s: Scene, name: str, question: str) -> Exchange | None:
    """The color of all things of a class; of many only the commonest is known."""
    of = s.of(name)
    colors = [t.color for t in of if t.color]
    if len(colors) < len(of) or not of:
        return None
    counts = Counter(colors)
    if len(of) > MAX_LISTED:
        most = max(sorted(counts), key=colors.count)
        return Exchange("color", question, f"Mostly {most}.", (_color(most),))
    if len(counts) == 1:
        verb = "It is" if len(of) == 1 else "They are all"
        full = f"The {name} is {colors[0]}." if len(of) == 1 else f"{verb} {colors[0]}."
        answer = d.say(f"{capital(colors[0])}.", full)
        return Exchange("color", question, answer, (_color(colors[0]),), _other_colors(colors))
    words = enumerate_words([f"{number_word(n)} {c}" for c, n in counts.items()])
    rights = tuple(_color(c) for c in counts)
    return Exchange("color", question, d.say(capital(words) + ".", f"I see {words}."), rights)


def where(d: Draw, s: Scene) -> Exchange | None:
    names = [n for n in s.names if len(s.of(n)) <= 4]
    if not names:
        return None
    name = d.pick(names)
    question = d.ask(SCENES, "where", x=called(d, name))
    of = s.of(name)
    spots = Counter(places(of))
    if len(of) == 1:
        words = at(place(of[0]))
        answer = d.say(f"{capital(words)}.", f"The {name} is {words} of the picture.")
    else:
        words = enumerate_words([f"{number_word(n)} {at(p)}" for p, n in spots.items()])
        if len(spots) == 1:
            words = f"{'both' if len(of) == 2 else 'all'} {at(next(iter(spots)))}"
        answer = f"{capital(words)}."
    rights = tuple(rf"\b{p.split()[-1]}\b|\b{p.split()[0]}\b" for p in spots)
    return Exchange("place", question, answer, rights)


def at_place(d: Draw, s: Scene) -> Exchange | None:
    spot = d.pick(("left", "right", "middle", "top", "bottom"))
    found = [t for t in s.things if spot in place(t).split()]
    if not found or len(s.things) > 8:
        return None
    counts = Counter(t.name for t in found)
    colors = {t.name: t.color for t in found if t.name != "person"}
    words = [counted(n, name, colors.get(name, "") if n == 1 else "") for name, n in counts.items()]
    wording = {"middle": "center" if d.chance(0.3) else "middle"}.get(spot, spot)
    question = d.ask(SCENES, "at place", place=wording)
    if spot == "middle":
        question = question.replace("on the", "in the").replace("at the", "in the")
    listed = enumerate_words(words[:4])
    answer = d.say(f"{capital(listed)}.", f"{capital(at(spot))} there {_be(counts)} {listed}.")
    return Exchange("place", question, answer, (any_name(list(counts)),))


def of_color(d: Draw, s: Scene) -> Exchange | None:
    colored = [t for t in s.things if t.color and t.name != "person"]
    if not colored:
        return None
    chosen = d.pick(colored)
    same = [t for t in s.things if t.color == chosen.color]
    if len(same) > 1:
        return None
    answer = d.say(f"{capital(a(chosen.name))}.", f"The {chosen.color} thing is {a(chosen.name)}.")
    question = d.ask(SCENES, "of color", color=chosen.color)
    return Exchange("object", question, answer, (any_name([chosen.name]),))


def left_or_right(d: Draw, s: Scene) -> Exchange | None:
    if len(s.single) < 2:
        return None
    x, y = d.some(s.single, 2, 2)
    sides = [place(t).split()[-1] for t in (x, y)]
    order = ("left", "middle", "right")
    if "bottom" in sides or "top" in sides or sides[0] == sides[1]:
        return None
    side = "left" if order.index(sides[0]) < order.index(sides[1]) else "right"
    other = "right" if side == "left" else "left"
    question = d.ask(SCENES, "left or right", x=x.name, y=y.name)
    full = f"The {x.name} is to the {side} of the {y.name}."
    answer = d.say(d.pick((f"{capital(side)}.", f"To the {side} of it.")), full)
    return Exchange("place", question, answer, (rf"\b{side}\b",), (rf"^(to the )?{other}\b",))


def side(d: Draw, s: Scene) -> Exchange | None:
    things = [t for t in s.single if place(t).split()[-1] in ("left", "right")]
    if not things:
        return None
    thing = d.pick(things)
    word = place(thing).split()[-1]
    question = d.ask(SCENES, "side", x=called(d, thing.name))
    answer = d.say(d.pick((f"On the {word}.", f"{capital(word)}.")), f"It is on the {word}.")
    return Exchange("place", question, answer, (rf"\b{word}\b",))


def is_color(d: Draw, s: Scene) -> Exchange | None:
    things = [t for t in s.single if t.color and t.name != "person"]
    if not things:
        return None
    thing, truth = d.pick(things), d.chance(0.5)
    shown = thing.color if truth else d.pick([c for c in COLORS if c != thing.color])
    question = d.ask(SCENES, "is color", x=thing.name, color=shown)
    right = f"it is {thing.color}"
    answer = d.pick(("Yes.", f"Yes, {right}.") if truth else (f"No, {right}.", f"No, {right}."))
    return Exchange(
        "color", question, answer, (YES,) if truth else (NO,), (NO,) if truth else (YES,)
    )


def which_color(d: Draw, s: Scene) -> Exchange | None:
    things = [t for t in s.single if t.color and t.name != "person"]
    if not things:
        return None
    thing = d.pick(things)
    other = d.pick([c for c in COLORS if c != thing.color])
    first, second = d.some((thing.color, other), 2, 2)
    question = d.ask(SCENES, "which color", x=thing.name, a=first, b=second)
    answer = d.say(f"{capital(thing.color)}.", f"The {thing.name} is {thing.color}.")
    return Exchange("color", question, answer, (_color(thing.color),), (_color(other),))


def part_color(d: Draw, s: Scene) -> Exchange | None:
    of = [t for t in s.single if t.color and t.name in FAMILIES["animals"] + FAMILIES["vehicles"]]
    if not of:
        return None
    thing = d.pick(of)
    parts = d.pick(PARTS["animal" if thing.name in FAMILIES["animals"] else "vehicle"])
    question = d.ask(SCENES, "part color", x=thing.name, parts=parts)
    answer = d.pick((f"I can't make out the {parts}.", "I can't see such details."))
    return Exchange("color", question, answer, (), (), True)


def scene_place(d: Draw, s: Scene) -> Exchange:
    question = d.ask(SCENES, "place")
    shown = place_in(s.findings)
    if shown is None:
        answer = "I can't tell from the picture where this is."
        return Exchange("place", question, answer, (), (), True)
    right = ("|".join(w for w in re.findall(r"[a-z]{4,}", shown.words)) or exactly(shown.words),)
    if not shown.sure:
        answer = d.pick((f"Perhaps {shown.words}; I'm not sure.", f"It may be {shown.words}."))
        return Exchange("place", question, answer, right)
    seen = enumerate_words([n if n == "skis" else a(n) for n in s.names if n in shown.of][:3])
    reason = f": I can see {seen}" if seen else ""
    answer = d.say(f"{capital(shown.words)}.", f"{capital(shown.words)}, it seems{reason}.")
    return Exchange("place", question, answer, right)


def indoors(d: Draw, s: Scene) -> Exchange | None:
    shown = place_in(s.findings)
    if shown is None or shown.outdoors is None:
        return None
    word, other = ("outdoors", "indoors") if shown.outdoors else ("indoors", "outdoors")
    right, wrong = (f"{x[:-1]}|{x.replace('doors', 'side')}" for x in (word, other))
    answer = d.say(f"{capital(word)}.", f"{capital(word)}, it seems, {shown.words}.")
    if not shown.sure:
        answer = d.pick((f"Perhaps {word}; I'm not sure.", f"{capital(word)}, perhaps."))
    return Exchange("place", d.ask(SCENES, "indoors"), answer, (right,), (wrong,))


def background(d: Draw, s: Scene) -> Exchange | None:
    word = s.findings.color
    answer = d.say(f"Mostly {word}.", f"The picture is mostly {word}.")
    return Exchange("color", d.ask(SCENES, "background"), answer, (_color(word),))


def written(d: Draw, s: Scene) -> Exchange | None:
    """Text in a scene is quoted; asked for where there is none, none is found."""
    lines = s.findings.lines or ()
    single = [t.name for t in s.single if t.name not in ("person", "traffic light")]
    question = d.ask(SCENES, "written")
    if lines and single and d.chance(0.4):
        question = d.ask(SCENES, "written on", x=called(d, d.pick(single)))
    people = [p.color for p in s.people if p.color]
    if lines and people and d.chance(0.4):
        question = d.ask(SCENES, "written on clothes", color=d.pick(people))
    if not lines and d.chance(0.7):
        return None
    if not lines:
        return Exchange("text", question, "I don't find any text in the picture.", (), (), True)
    texts = ", ".join(f'"{line.text}"' for line in lines)
    return Exchange(
        "text", question, d.say(f"{texts}.", f"It says {texts}."), (exactly(lines[0].text),)
    )


def _phrase(name: str) -> str:
    return next(k.phrase for k in imagenet_classes() if k.name == name)


def _color(word: str) -> str:
    return rf"\b{word.replace('gray', 'gr[ae]y')}\b"


def _other_colors(colors: Sequence[str]) -> tuple[str, ...]:
    return ("^(" + "|".join(_color(c) for c in COLORS if c not in colors) + ")",)


def _be(counts: Counter[str]) -> str:
    first = next(iter(counts))
    return "is" if counts[first] == 1 else "are"


def on_table(d: Draw, s: Scene) -> Exchange | None:
    """Food and tableware."""
    names = [n for n in s.names if n in TABLEWARE]
    if not names:
        return None
    words = enumerate_words([counted(len(s.of(n)), n) for n in names])
    answer = d.say(f"{capital(words)}.", f"I see {words}.")
    return Exchange(
        "object", d.ask(SCENES, "on table"), answer, tuple(any_name([n]) for n in names[:1])
    )


def sky(d: Draw, s: Scene) -> Exchange | None:
    names = [n for n in s.names if n in ("airplane", "bird", "kite")]
    if not names:
        return None
    words = enumerate_words([counted(len(s.of(n)), n) for n in names])
    return Exchange("object", d.ask(SCENES, "sky"), f"{capital(words)}.", (any_name(names),))


def day_or_night(d: Draw, s: Scene) -> Exchange | None:
    question = d.ask(SCENES, "day or night")
    if s.findings.dark:
        return Exchange("place", question, "It is dark, so perhaps night.", ("night|dark",))
    answer = d.pick(("I can't tell for sure; the picture isn't dark.", "I can't tell."))
    return Exchange("unanswerable", question, answer, ("day|not dark|isn't dark",), honest=True)


def season(d: Draw, s: Scene) -> Exchange | None:
    question = d.ask(SCENES, "season")
    snow = [n for n in s.names if n in ("skis", "snowboard")]
    if snow:
        answer = f"It looks like winter: I see {counted(len(s.of(snow[0])), snow[0])}."
        return Exchange("place", question, d.say("Winter, it seems.", answer), ("winter",))
    answer = d.pick(("I can't tell the season from the picture.", "I can't tell."))
    return Exchange("unanswerable", question, answer, (), (), True)


def bigger(d: Draw, s: Scene) -> Exchange | None:
    """Only where the words state different sizes."""
    sizes = {t.name: (t.area > LARGE) - (t.area < SMALL) for t in s.single}
    pairs = [(x, y) for x in sizes for y in sizes if sizes[x] > sizes[y]]
    if not pairs:
        return None
    big, small = d.pick(pairs)
    x, y = d.some((big, small), 2, 2)
    question = d.ask(SCENES, "bigger", x=x, y=y)
    answer = d.say(f"The {big}.", f"The {big} is bigger.")
    return Exchange("object", question, answer, (exactly(big),), (rf"^(the )?{exactly(small)}\b",))


ASKERS: tuple[tuple[Asker, float], ...] = (
    *((color, 8.0), (where, 7.0), (at_place, 5.0), (of_color, 2.0), (left_or_right, 3.0)),
    *((side, 2.0), (is_color, 4.0), (which_color, 2.5), (part_color, 1.5), (scene_place, 4.0)),
    *((indoors, 3.0), (background, 1.5), (written, 5.0), (on_table, 2.0), (sky, 2.0)),
    *((bigger, 2.0), (season, 0.8), (day_or_night, 0.8)),
)
