"""What each visual token should speak of, where a record says exactly what is where.

A look has a token for the whole frame and one for each square of its grid. The token of a square
speaks of the thing in it: its name and color, the place it is in, how many of its like there are
if not one, and from the second look on which way it goes, or that it stands still, as all things
in a picture do. Where a square holds several things each look at a still picture adds the next
one; the token of the whole tells what there is. A square with nothing in it speaks of a plain
background, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data.records import Box, Objects
from data.synthetic.language.words import COUNTS

LEAST_SHARE = 0.25  # of the square or of the thing that must lie in the other
LEAST_STEP = 0.02  # of the frame between two frames, to count as moving
PER_LOOK = 4  # things that the token of the whole tells in one look


PLACES = frozenset(["left", "right", "top", "bottom", "middle"])
NUMBERS = frozenset(COUNTS[2:])
WAYS = frozenset(["west", "east", "up", "down"])
WORDS = PLACES | NUMBERS | WAYS | {"still", "background"}


@dataclass(frozen=True)
class Said:
    """What one token of a clip should point to; no words: it should be silent."""

    token: int  # counted over the looks, the token of the whole first in each
    words: tuple[str, ...]
    background: bool = False


def said_by_tokens(
    objects: Objects, num_frames: int, looks: int, grid: tuple[int, int]
) -> list[Said]:
    """What the tokens of `num_frames` frames, or of `looks` at one picture, should say."""
    rows, columns = grid
    still = num_frames == 1
    count = len(objects.frames)
    # Frames are taken from the middles of equal segments (vlm/media).
    frames = [objects.frames[int((i + 0.5) / num_frames * count)] for i in range(num_frames)]
    empty = ("background", objects.background) if objects.background else ()
    said: list[Said] = []
    for look in range(looks):
        index = 0 if still else look
        frame = frames[index]
        before = frames[max(index - 1, 0)] if look else ()
        told = {box: _words(box, frame, before) for box in sorted(frame, key=_area, reverse=True)}
        start = look * (1 + rows * columns)
        said.append(Said(start, (*_whole(list(told.values()), look if still else 0), *empty)))
        for square in range(rows * columns):
            inside = _inside(list(told), square // columns, square % columns, grid)
            if inside:
                box = inside[look % len(inside) if still else 0]
                said.append(Said(start + 1 + square, told[box]))
            else:
                said.append(Said(start + 1 + square, empty, background=True))
    return said


def _words(box: Box, frame: Sequence[Box], before: Sequence[Box]) -> tuple[str, ...]:
    """Name and color, place, number, and the way it has come since the look before."""
    like = sum(other.label == box.label for other in frame)
    number = COUNTS[like : like + 1] if like > 1 else ()
    return (*box.label.split(), *_place(box), *number, *_motion(box, before))


def _place(box: Box) -> list[str]:
    """left, right, top, bottom, both or middle, by thirds."""
    down = "top" if box.y < 1 / 3 else "bottom" if box.y > 2 / 3 else ""
    across = "left" if box.x < 1 / 3 else "right" if box.x > 2 / 3 else ""
    return [word for word in (down, across) if word] or ["middle"]


def _motion(box: Box, before: Sequence[Box]) -> list[str]:
    """Which way a thing has come since the frame before."""
    same = [other for other in before if other.label == box.label]
    if len(same) != 1:
        return []
    x, y = box.x - same[0].x, box.y - same[0].y
    if max(abs(x), abs(y)) < LEAST_STEP:
        return ["still"]
    if abs(x) > abs(y):
        return ["west" if x < 0 else "east"]  # left and right are places
    return ["up" if y < 0 else "down"]


def _whole(told: Sequence[tuple[str, ...]], look: int) -> tuple[str, ...]:
    """The words of the largest things, of the next ones at the next look, each once; no places."""
    groups = max(1, -(-len(told) // PER_LOOK))
    start = look % groups * PER_LOOK
    words = (word for things in told[start : start + PER_LOOK] for word in things)
    return tuple(word for word in dict.fromkeys(words) if word not in PLACES)


def _inside(boxes: Sequence[Box], row: int, column: int, grid: tuple[int, int]) -> list[Box]:
    """The things that lie in a square, that with the largest part in it first."""
    height, width = 1 / grid[0], 1 / grid[1]
    shares = []
    for box in boxes:
        across = _shared(box.x, box.width, (column + 0.5) * width, width)
        down = _shared(box.y, box.height, (row + 0.5) * height, height)
        if across * down >= LEAST_SHARE * min(_area(box), width * height):
            shares.append((across * down, box))
    return [box for _, box in sorted(shares, key=lambda pair: pair[0], reverse=True)]


def _shared(centre: float, size: float, other: float, other_size: float) -> float:
    """The length that two intervals share."""
    low = max(centre - size / 2, other - other_size / 2)
    high = min(centre + size / 2, other + other_size / 2)
    return max(0.0, high - low)


def _area(box: Box) -> float:
    return box.width * box.height
