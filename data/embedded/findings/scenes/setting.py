"""Pictures of a place or a building: the classifier names it, the detector finds little in it."""

from dataclasses import dataclass
from functools import cache

from data.embedded.findings.draw import Draw
from data.embedded.findings.scenes.scene import Scene, Theme
from data.synthetic.language.imagenet_names import ImageNetClass, family_phrase, imagenet_classes
from vlm.experts.agreement import reconcile
from vlm.experts.colors import NAMES as COLORS
from vlm.experts.findings import Box, Findings, Kind, Thing

SURE, GUESS, FAMILY = 0.5, 0.25, 0.35  # probability

# The place, whether it is outdoors, and the classes that show it.
_PLACES = """
at a beach | out | beach, sandbar
by a lake | out | lakeshore, boathouse
at the coast | out | promontory, cliff, breakwater, lighthouse
in the mountains | out | mountain, valley, volcano
at a harbor | out | pier, dock, container ship
at a castle or palace | out | palace, castle
at a place of worship | out | church, mosque, monastery, stupa, bell tower
on a farm | out | barn, hay
at a monument | out | obelisk, triumphal arch, totem pole, megalith
at a fair | out | carousel
in a park | out | fountain, park bench, maze
on a street | out | street sign, traffic light, trolleybus, parking meter
at a bridge | out | suspension bridge, viaduct, arch bridge
at a building site | out | construction crane
at a dam | out | dam
in a garden | out | picket fence, greenhouse
in a library or a room with books | in | library, bookcase
in a bookstore | in | bookstore
in a restaurant | in | restaurant
in a movie theater | in | movie theater
in a shop | in | grocery store, shoe store, toy store, candy store, bakery, butcher shop
at the hairdresser's | in | barbershop, barber chair
inside a building | in | banister, window shade, sliding door, vaulted ceiling
on a stage | in | stage
in a bathroom | in | bathtub, shower curtain, toilet seat
in a bedroom | in | four-poster bed, quilt, infant bed
in a living room | in | couch, home theater, entertainment center
in an office or at a desk | in | desk, desktop computer, filing cabinet
in a kitchen | in | dishwasher, refrigerator, microwave oven, stove
in a church | in | altar
at a gas station | out | gas pump
"""
INSIDE = ("person", "chair", "potted plant", "book", "cup", "tv", "laptop")
OUTSIDE = ("person", "car", "bird", "boat", "bench", "bicycle", "dog", "kite")
STANDING = ("building", "place of worship", "tower", "monument", "bridge", "home")


@dataclass(frozen=True)
class Setting(Scene):
    subject: ImageNetClass = imagenet_classes()[0]
    probability: float = 0.0
    family: str = ""  # a family that is sure, or ""

    @property
    def sure(self) -> bool:
        return self.probability >= SURE

    @property
    def named(self) -> bool:
        return self.probability >= GUESS or bool(self.family)

    @property
    def phrase(self) -> str:
        """The best that can be stated, as "a castle", "a building, perhaps a palace"."""
        top = self.subject.phrase
        if self.sure:
            return top
        if self.family:
            return f"{family_phrase(self.family)}, perhaps {top}"
        return f"perhaps {top}"


@cache
def _places() -> tuple[tuple[Theme, tuple[ImageNetClass, ...]], ...]:
    known = {k.name: k for k in imagenet_classes()}
    made = []
    for line in _PLACES.strip().splitlines():
        where, side, names = (part.strip() for part in line.split(" | "))
        classes = tuple(known[n] for n in names.split(", ") if n in known)
        outdoors = side == "out"
        theme = Theme(where, outdoors, OUTSIDE if outdoors else INSIDE, tuple(names.split(", ")))
        made.append((theme, classes))
    return tuple(made)


@cache
def theme_of_kind(name: str) -> Theme | None:
    """The place that a class of the classifier shows."""
    return next((t for t, classes in _places() if name in [k.name for k in classes]), None)


def make_setting(d: Draw) -> Setting:
    theme, classes = d.pick(_places())
    subject = d.pick(classes)
    p = d.pick((d.between(0.5, 0.95), d.between(0.25, 0.5), d.between(0.13, 0.25)))
    kinds, rest = [Kind(subject.name, round(p, 3))], 1 - p
    for other in d.some([k for k in classes if k is not subject], 0, 1):
        share = min(d.between(0.1, 0.5) * rest, p * 0.9)
        kinds += [Kind(other.name, round(share, 3))] if share >= 0.12 else []
        rest -= share
    family = subject.family or ""
    if family:
        total = round(min(sum(k.probability for k in kinds) + d.between(0, 0.6) * rest, 0.99), 3)
        if total >= FAMILY and family not in [k.name for k in kinds]:
            kinds.append(Kind(family, total))
        else:
            family = ""
    found = reconcile(_things(d, theme), kinds, ())
    color = d.pick(COLORS)
    middle = d.pick((color, color, d.pick(COLORS)))
    dark = d.chance(0.05)
    findings = Findings(tuple(kinds), found, (), color, middle, dark=dark)
    return Setting(findings, theme, subject, p, family)


def _things(d: Draw, theme: Theme) -> list[Thing]:
    """None, or a few small ones, half of which are guesses."""
    things = []
    for name in d.some(theme.classes, 0, 2) if d.chance(0.7) else []:
        size = d.pick((0.03, 0.06, 0.15, 0.3))
        top = name in ("kite", "bird")
        x, y = d.between(0.1, 0.85), d.between(0.1, 0.3) if top else d.between(0.4, 0.8)
        box: Box = (x, y, round(min(x + size, 1), 3), round(min(y + size * 1.3, 1), 3))
        score = d.between(0.4, 0.479) if d.chance(0.4) else d.between(0.5, 0.9)
        things.append(Thing(name, round(score, 2), box, d.pick(COLORS)))
    return things
