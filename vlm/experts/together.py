"""Who rides, wears or holds what, as far as boxes show it."""

from collections.abc import Iterable, Sequence

from vlm.experts.findings import Thing, shared_area

RIDDEN = ("bicycle", "motorcycle", "horse", "skateboard", "surfboard", "snowboard", "skis")
WORN_OR_HELD = (
    *("tie", "backpack", "umbrella", "handbag", "suitcase", "frisbee", "sports ball", "kite"),
    *("baseball bat", "baseball glove", "tennis racket", "bottle", "wine glass", "cup", "fork"),
    *("knife", "spoon", "banana", "apple", "sandwich", "hot dog", "pizza", "donut", "remote"),
    *("cell phone", "book", "scissors", "teddy bear", "hair drier", "toothbrush"),
)


def together(things: Sequence[Thing]) -> Iterable[str]:
    """Who rides, wears or holds what, as far as boxes show it."""
    people = [t for t in things if t.name == "person"]
    for thing in things:
        inside = [(shared_area(thing.box, p.box), p) for p in people]
        shared, person = max(inside, key=lambda pair: pair[0], default=(0.0, None))
        if person is None or not shared:
            continue
        if rides(person, thing):
            yield f"person on {thing.name}"
        elif thing.name in WORN_OR_HELD and shared > 0.6 * thing.area:
            yield f"person with {thing.name}"


def rides(person: Thing, thing: Thing) -> bool:
    """Whether a person is above a thing to ride, feet within its height, mostly over its width."""
    if thing.name not in RIDDEN:
        return False
    left, top, right, bottom = thing.box
    across = min(person.box[2], right) - max(person.box[0], left)
    narrow = min(person.box[2] - person.box[0], right - left)
    above = person.box[1] < (top + bottom) / 2
    return above and person.box[3] > top and across > 0.6 * narrow
