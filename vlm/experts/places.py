"""What kind of place it is, as far as things and the classifier's kinds suggest it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from vlm.experts.findings import Kind

SURE, LEAST = 0.5, 0.12  # probability of a kind
TELLING = ("oven", "refrigerator", "bed", "toilet", "airplane", "traffic light", "stop sign")
# The place, whether it is outdoors, and the classes of the classifier that show it.
_OF_KINDS = """
at a beach | out | beach, sandbar
by a lake | out | lakeshore, boathouse
at the coast | out | promontory, cliff, breakwater, lighthouse
in the mountains | out | mountain, valley, volcano
at a harbor | out | pier, dock, container ship
at a castle or palace | out | palace, castle
at a place of worship | out | church, mosque, monastery, stupa, bell tower
on a farm | out | barn, hay
at a monument | out | obelisk, triumphal arch, totem pole, megalith
at a fair or amusement park | out | carousel
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
# The place, whether it is outdoors, and the things that stand there.
_OF_THINGS = """
on a street | out | car, bus, truck, bicycle, motorcycle, traffic light, stop sign, fire hydrant, parking meter
in a kitchen | in | oven, refrigerator, sink, microwave, toaster
at a table with a meal | | dining table, wine glass, fork, knife, spoon, bowl, cup, pizza, cake, sandwich, donut, hot dog, bottle
in a living room | in | couch, tv, remote, vase
in a bedroom | in | bed
in an office or at a desk | in | laptop, keyboard, mouse, cell phone
in a bathroom | in | toilet, sink, toothbrush, hair drier
in a meadow or a field | out | cow, horse, sheep
in the wild or at a zoo | out | elephant, zebra, giraffe, bear
by the water or at a beach | out | boat, surfboard
at an airport | out | airplane
at a railroad | out | train
in the snow | out | skis, snowboard
on a sports field | out | sports ball, baseball bat, baseball glove, frisbee, tennis racket
"""  # noqa: E501


@dataclass(frozen=True)
class Place:
    """A kind of place."""

    words: str  # "in a kitchen"
    outdoors: bool | None  # None: either
    of: tuple[str, ...]  # the things or classes that show it
    sure: bool = False

    def __str__(self) -> str:
        side = "" if self.outdoors is None else ", outdoors" if self.outdoors else ", indoors"
        return f"{'Place' if self.sure else 'Perhaps place'}: {self.words}{side}."


def place_of(names: Iterable[str], kinds: Sequence[Kind]) -> Place | None:
    """Returns the place that kinds or things suggest; None if nothing does.

    names: of the things that are certain. One sure kind, two things of a place or a telling one
    are enough to state it; less is a guess.
    """
    guess = None
    for kind in kinds:
        place = places_of_kinds().get(kind.name)
        if place is not None and kind.probability >= SURE:
            return Place(place.words, place.outdoors, place.of, True)
        if place is not None and kind.probability >= LEAST and guess is None:
            guess = place
    found = set(names)
    shown = [(len(found & set(p.of)), p) for p in places_of_things()]
    most, place = max(shown, key=lambda pair: pair[0])
    alone = sum(number == most for number, _ in shown) == 1
    if most and alone and (most > 1 or any(n in TELLING for n in found & set(place.of))):
        return Place(place.words, place.outdoors, place.of, True)
    return guess or (place if most and alone else None)


@cache
def places_of_kinds() -> dict[str, Place]:
    """The place that each telling class of the classifier shows."""
    return {name: place for place in _read(_OF_KINDS) for name in place.of}


@cache
def places_of_things() -> tuple[Place, ...]:
    """The places that things show."""
    return tuple(_read(_OF_THINGS))


def _read(table: str) -> Iterable[Place]:
    for line in table.strip().splitlines():
        words, side, names = (part.strip() for part in line.split("|"))
        yield Place(words, {"out": True, "in": False}.get(side), tuple(names.split(", ")))
