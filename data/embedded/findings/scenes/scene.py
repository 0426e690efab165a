"""Scenes of several things as the detector finds them: doubles, wrong kinds, guesses."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from vlm.experts.agreement import reconcile
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.detection.coco import CLASSES
from vlm.experts.findings import CERTAIN, Box, Findings, Kind, Line, Thing
from vlm.experts.words import place

DOUBLE, GUESSED, UNCOLORED = 0.04, 0.18, 0.04  # of things
FUR = ("black", "white", "brown", "gray", "brown")


@dataclass(frozen=True)
class Theme:
    """A kind of place: what stands there, what the classifier takes it for."""

    place: str  # in an answer; empty where things do not show it
    outdoors: bool | None
    classes: tuple[str, ...]
    kinds: tuple[str, ...]


def _theme(where: str, outdoors: bool | None, classes: str, kinds: str) -> Theme:
    return Theme(where, outdoors, tuple(classes.split(", ")), tuple(kinds.split(", ")))


THEMES = (
    _theme(
        "a street",
        True,
        "car, person, bus, truck, bicycle, motorcycle, traffic light,"
        " stop sign, fire hydrant, parking meter, backpack, umbrella, handbag, dog, bench",
        "trolleybus, minivan, traffic light, taxicab, parking meter, trolleybus, moped",
    ),
    _theme(
        "a kitchen",
        False,
        "oven, refrigerator, sink, microwave, toaster, bowl, cup,"
        " bottle, knife, spoon, banana, apple, person, chair, dining table, potted plant",
        "microwave oven, stove, dishwasher, espresso machine, mixing bowl, refrigerator",
    ),
    _theme(
        "a table with a meal",
        None,
        "dining table, person, cup, wine glass, fork, knife, spoon,"
        " bowl, pizza, cake, sandwich, broccoli, carrot, donut, hot dog, bottle, chair",
        "plate, restaurant, dining table, red wine, eggnog, espresso, soup bowl",
    ),
    _theme(
        "a living room",
        False,
        "couch, tv, chair, person, remote, potted plant, book, vase,"
        " clock, cat, dog, teddy bear, laptop, bed",
        "couch, home theater, television, bookcase, window shade, rocking chair",
    ),
    _theme(
        "a bedroom",
        False,
        "bed, person, teddy bear, book, clock, cat, chair, laptop",
        "four-poster bed, quilt, pillow, wardrobe",
    ),
    _theme(
        "an office or a desk",
        False,
        "laptop, keyboard, mouse, cell phone, cup, person, chair, tv, book, tie, scissors, bottle",
        "desk, desktop computer, monitor, laptop computer, website, computer mouse",
    ),
    _theme(
        "a bathroom",
        False,
        "toilet, sink, toothbrush, hair drier, person, bottle, cup",
        "toilet seat, sink, bathtub, shower curtain, soap dispenser",
    ),
    _theme(
        "a meadow or a field",
        True,
        "cow, horse, sheep, dog, person, bird, kite",
        "ox, hay, split-rail fence, ram, horse, barn",
    ),
    _theme(
        "a wild place or a zoo",
        True,
        "elephant, zebra, giraffe, bear, bird, person",
        "African elephant, zebra, gazelle, brown bear, ostrich",
    ),
    _theme(
        "the water or a beach",
        True,
        "boat, person, surfboard, kite, bird, umbrella, backpack",
        "beach, motorboat, catamaran, lakeshore, sandbar, pier",
    ),
    _theme(
        "an airfield",
        True,
        "airplane, person, truck, car, suitcase",
        "airliner, military aircraft, airplane wing",
    ),
    _theme(
        "a railroad",
        True,
        "train, person, bench, suitcase, clock, backpack",
        "high-speed train, railroad car, electric locomotive, freight car",
    ),
    _theme(
        "the snow",
        True,
        "person, skis, snowboard, backpack, dog",
        "ski, mountain, snowmobile, dog sled, ski mask",
    ),
    _theme(
        "a sports field",
        True,
        "person, sports ball, baseball bat, baseball glove, frisbee, tennis racket, bench",
        "soccer ball, racket, baseball player, rugby ball, scoreboard",
    ),
    _theme(
        "",
        None,
        "person, tie, handbag, cup, bottle, book, cell phone, chair, umbrella",
        "suit, Windsor tie, bridegroom, academic gown, wig, abaya, lab coat, sunglasses",
    ),
)
SIZES = {  # of a box's sides
    **dict.fromkeys(("bus", "train", "truck", "airplane", "couch", "bed", "elephant"), 0.5),
    **dict.fromkeys(("person", "car", "horse", "cow", "giraffe", "bear", "zebra", "tv"), 0.3),
    **dict.fromkeys(("cup", "fork", "knife", "spoon", "mouse", "remote", "sports ball"), 0.07),
}
RIDES = ("bicycle", "motorcycle", "horse", "skateboard", "surfboard", "snowboard", "skis")
HELD = (
    *("umbrella", "handbag", "backpack", "tie", "cup", "book", "cell phone", "tennis racket"),
    *("baseball bat", "frisbee", "suitcase", "bottle", "wine glass", "teddy bear"),
)


@dataclass(frozen=True)
class Scene:
    """What the experts found of a scene, and what can be concluded from it."""

    findings: Findings
    theme: Theme

    @property
    def things(self) -> tuple[Thing, ...]:
        return tuple(t for t in self.findings.things or () if t.score >= CERTAIN)

    @property
    def guesses(self) -> tuple[Thing, ...]:
        return tuple(t for t in self.findings.things or () if t.score < CERTAIN)

    @property
    def people(self) -> tuple[Thing, ...]:
        return self.of("person")

    def of(self, name: str) -> tuple[Thing, ...]:
        """The sure things of a class, from left to right."""
        return tuple(sorted((t for t in self.things if t.name == name), key=lambda t: t.center))

    @property
    def kinds(self) -> list[str]:
        return [k.name for k in self.findings.kinds or ()]

    @property
    def names(self) -> list[str]:
        return sorted({t.name for t in self.things})

    @property
    def single(self) -> list[Thing]:
        """The things that are the only one of their class."""
        return [self.of(name)[0] for name in self.names if len(self.of(name)) == 1]

    def maybe(self, name: str) -> bool:
        """Whether an expert names it at all."""
        kinds = " ".join(k.name for k in self.findings.kinds or ())
        return any(t.name == name for t in self.findings.things or ()) or name in kinds


def make_scene(d: Draw, with_people: bool = False) -> Scene:
    theme = d.pick(THEMES)
    num_classes = d.pick((1, 1, 2, 2, 2, 3, 3, 4))
    names = [d.pick(theme.classes[:3]), *d.some(theme.classes, num_classes - 1, num_classes - 1)]
    if with_people:
        names.insert(0, "person")
    if d.chance(0.06):
        names.append(d.pick(CLASSES))  # a mistake of the detector, or something out of place
    things: list[Thing] = []
    for name in dict.fromkeys(names):
        most = 9 if name == "person" and d.chance(0.2) else d.pick((1, 1, 1, 2, 2, 3, 4, 5))
        things += [_thing(d, name) for _ in range(d.whole(1, most))]
    if "person" in names and d.chance(0.3):
        things += _with_person(d, theme)
    noisy = []
    for thing in things:
        guessed = d.chance(GUESSED) and len(things) > 1
        noisy.append(_scored(thing, d.between(0.4, 0.479) if guessed else d.between(0.5, 0.95)))
        if d.chance(DOUBLE):
            noisy.append(_scored(_shifted(d, thing), d.between(0.4, 0.6)))
    kinds = _kinds(d, theme)
    lines = _signs(d) if d.chance(0.25) else ()
    found = reconcile(noisy[:14], kinds, lines)
    color = d.pick(COLORS)
    middle = next((t.color for t in found if place(t) == "middle"), "") or d.pick((color, *COLORS))
    blurred, dark = d.chance(0.03), d.chance(0.03)
    return Scene(Findings(kinds, found, lines, color, middle, blurred, dark), theme)


def _thing(d: Draw, name: str, box: Box | None = None) -> Thing:
    size = SIZES.get(name, 0.16) * d.between(0.5, 1.6)
    tall = d.between(1.3, 2.2) if name in ("person", "giraffe", "bottle") else d.between(0.6, 1.1)
    x, y = d.between(0.08, 0.92), d.between(0.25, 0.8)
    wide, high = size / 2, min(size * tall, 0.9) / 2
    box = box or (max(x - wide, 0), max(y - high, 0), min(x + wide, 1), min(y + high, 1))
    color = d.pick(FUR if name in ("dog", "cat", "horse", "cow", "sheep", "bear") else COLORS)
    color = "" if d.chance(UNCOLORED) else color
    return Thing(name, 0.9, tuple(round(v, 3) for v in box), color)  # type: ignore[arg-type]


def _with_person(d: Draw, theme: Theme) -> list[Thing]:
    """A person on or with something, as their boxes show it."""
    x, y, size = d.between(0.25, 0.75), d.between(0.4, 0.6), d.between(0.15, 0.35)
    person = _thing(d, "person", (x - size / 2, y - size, x + size / 2, y + size * 0.9))
    rides = [name for name in RIDES if name in theme.classes]
    if rides and d.chance(0.6):
        box = (x - size / 2, y + size * 0.3, x + size / 2, min(y + size, 1.0))
        return [person, _thing(d, d.pick(rides), box)]
    held = [name for name in HELD if name in theme.classes] or ["backpack"]
    small = size * 0.2
    return [person, _thing(d, d.pick(held), (x - small, y - small, x + small, y + small))]


def _scored(thing: Thing, score: float) -> Thing:
    return Thing(thing.name, round(score, 2), thing.box, thing.color)


def _shifted(d: Draw, thing: Thing) -> Thing:
    left, top, right, bottom = thing.box
    step = d.between(0.01, 0.04)
    return Thing(thing.name, thing.score, (left, top + step, right, min(bottom + step, 1)), "")


def _kinds(d: Draw, theme: Theme) -> tuple[Kind, ...]:
    """What the classifier takes a scene for: often nothing, seldom more than a guess."""
    if d.chance(0.4):
        return ()
    total, kinds = d.between(0.2, 0.6), []
    for name in d.some(theme.kinds, 1, 2):
        kinds.append(Kind(name, round(total, 3)))
        total = min(total * d.between(0.3, 0.8), 0.95 - total)
    return tuple(k for k in kinds if k.probability >= 0.12)


def _signs(d: Draw) -> tuple[Line, ...]:
    """Something written in a scene: a name over a shop, a number on a bus."""
    texts: Sequence[str] = (
        invented.shop(d),
        invented.shop(d).upper(),
        str(d.whole(2, 399)),
        d.pick(("TAXI", "EXIT", "OPEN", "SALE", "POLICE", "STOP", "CAFE", "HOTEL", "TOILETS")),
        d.pick(("SAPEURS-POMPIERS", "COAST GUARD", "FIRE DEPT", "CREW", "DOCTOR", "MARSHAL")),
        d.pick(("POLICE", "POLIZEI", "FEUERWEHR", "AMBULANCE", "SECURITY", "STAFF", "RESCUE TEAM")),
    )
    x, y, height = d.between(0.1, 0.6), d.between(0.1, 0.6), d.between(0.02, 0.08)
    return tuple(
        Line(text, 0.9, (x, y + i * 0.1, min(x + 0.3, 1), y + i * 0.1 + height), height)
        for i, text in enumerate(d.some(texts, 1, 2))
    )


def places(things: Sequence[Thing]) -> list[str]:
    return [place(t) for t in sorted(things, key=lambda t: t.center)]
