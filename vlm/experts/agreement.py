"""What the experts' findings say about each other: which guesses stand, which are dropped.

Of the detector's things on 43 photographs, 98 % were right at scores above 0.6, 80 % from 0.48 to
0.6, 60 % from 0.4 to 0.48 and 20 % below. So a thing below GUESS counts only if the classifier
names it too, and a guess among several sure things of its class counts as one of them. A page of
text is no laptop, and a cat that the classifier is sure of is no dog.
"""

from collections.abc import Sequence
from dataclasses import replace

from vlm.experts.detection.coco import GROUP_OF_NAME
from vlm.experts.findings import CERTAIN, UNNAMED, Kind, Line, Thing, iou, shared_area
from vlm.experts.together import rides

GUESS = 0.4  # score
SUPPORT, OVERRULE = 0.2, 0.5  # probability of a kind that confirms a thing; that renames it
SEVERAL = 2  # sure things of a class that confirm its guesses
PAGE_LINES, PAGE_AREA = 5, 0.06  # rows of text, and the share of the frame that they cover
SAME_PLACE = 0.5  # intersection over union of a drawn thing and one of the detector
LETTERED = 0.5  # of a drawn thing, on a row of text: then it is a letter of it
LETTERS = 2  # of a row; one alone may be a shape that was taken for it
ON_PAGE = 0.6  # score of a thing that is stated on a page


def reconcile(
    things: Sequence[Thing], kinds: Sequence[Kind] | None, lines: Sequence[Line] | None
) -> tuple[Thing, ...]:
    """Raises, lowers, renames or drops things by what the other experts found."""
    probability = {kind.name: kind.probability for kind in kinds or ()}
    page = is_page(lines or ())
    sure = [t.name for t in things if t.score >= CERTAIN]
    kept = []
    for thing in _renamed(things, probability):
        several = sure.count(thing.name) >= SEVERAL and thing.score >= GUESS and not page
        rider = thing.name == "person" and any(rides(thing, t) for t in things if t.name in sure)
        if several or rider or probability.get(thing.name, 0.0) >= SUPPORT:
            kept.append(replace(thing, score=max(thing.score, CERTAIN)))
        elif thing.score >= (ON_PAGE if page else GUESS):
            kept.append(thing)
        elif page and thing.score >= CERTAIN:
            kept.append(replace(thing, score=GUESS))
    return tuple(kept)


def with_drawn(
    things: Sequence[Thing], drawn: Sequence[Thing], lines: Sequence[Line] | None
) -> tuple[Thing, ...]:
    """Adds the things of a drawing to those of the detector.

    Of two in the same place the figure of geometry stands, then what the detector found. Letters
    are no things.
    """
    if not drawn or is_page(lines or ()):
        return tuple(things)
    rows = [line for line in lines or () if sum(c.isalnum() for c in line.text) >= LETTERS]
    drawn = [t for t in drawn if not any(_on(t, row) for row in rows)]
    kept = []
    for thing in things:
        there = [t for t in drawn if iou(t, thing) >= SAME_PLACE]
        if all(t.name == UNNAMED for t in there):
            kept.append(thing)
            drawn = [t for t in drawn if t not in there]
    return (*kept, *drawn)


def _on(thing: Thing, row: Line) -> bool:
    return shared_area(thing.box, row.box) >= LETTERED * thing.area


def is_page(lines: Sequence[Line]) -> bool:
    """Whether the frame is mostly text."""
    area = sum((line.box[2] - line.box[0]) * line.height for line in lines)
    return len(lines) >= PAGE_LINES and area > PAGE_AREA


def _renamed(things: Sequence[Thing], probability: dict[str, float]) -> list[Thing]:
    """Gives the only thing of a group the name that the classifier is sure of, if in that group."""
    result = []
    for thing in things:
        group = GROUP_OF_NAME[thing.name]
        alone = sum(GROUP_OF_NAME[t.name] == group for t in things if t.score >= GUESS) == 1
        names = [n for n in probability if GROUP_OF_NAME.get(n) == group]
        best = max(names, key=lambda n: probability[n], default=thing.name)
        sure = probability.get(best, 0.0) > OVERRULE
        result.append(replace(thing, name=best) if alone and sure else thing)
    return result
