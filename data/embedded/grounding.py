"""The target words of each visual token, for records with exactly known object positions.

A look has a global token and one token per square of its grid. The words of a square describe the
object in it: name and color, place, number if there are several, and from the second look on its
direction of motion, or "still", as every object in a picture is. If a square contains several
objects, each further look at a still picture describes the next one. The global token names the
objects in the frame. An empty square describes a plain background, or has no words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data.objects import Box, Objects
from data.synthetic.language.words import COUNTS

MIN_OVERLAP = 0.25  # of the smaller of square and object
MIN_STEP = 0.02  # of the frame's side between two frames, to count as motion
OBJECTS_PER_LOOK = 4  # named by the global token in one look


PLACES = frozenset(["left", "right", "top", "bottom", "middle"])
NUMBERS = frozenset(COUNTS[2:])
WAYS = frozenset(["west", "east", "up", "down"])
WORDS = PLACES | NUMBERS | WAYS | {"still", "background"}


@dataclass(frozen=True)
class TokenTarget:
    """The words that one visual token should point to; without words it should be short."""

    token: int  # counted over the looks; the global token comes first in each
    words: tuple[str, ...]
    background: bool = False


def token_targets(
    objects: Objects, num_frames: int, looks: int, grid: tuple[int, int]
) -> list[TokenTarget]:
    """Returns the targets of the tokens of `num_frames` frames, or of `looks` at one picture."""
    rows, columns = grid
    still = num_frames == 1
    count = len(objects.frames)
    # Frames are taken from the middles of equal segments (vlm/media).
    frames = [objects.frames[int((i + 0.5) / num_frames * count)] for i in range(num_frames)]
    empty = ("background", objects.background) if objects.background else ()
    targets: list[TokenTarget] = []
    for look in range(looks):
        index = 0 if still else look
        frame = frames[index]
        before = frames[max(index - 1, 0)] if look else ()
        described = {
            box: _words(box, frame, before) for box in sorted(frame, key=_area, reverse=True)
        }
        start = look * (1 + rows * columns)
        targets.append(
            TokenTarget(start, (*_whole(list(described.values()), look if still else 0), *empty))
        )
        for square in range(rows * columns):
            inside = _inside(list(described), square // columns, square % columns, grid)
            if inside:
                box = inside[look % len(inside) if still else 0]
                targets.append(TokenTarget(start + 1 + square, described[box]))
            else:
                targets.append(TokenTarget(start + 1 + square, empty, background=True))
    return targets


def _words(box: Box, frame: Sequence[Box], before: Sequence[Box]) -> tuple[str, ...]:
    """Name and color, place, number, and motion since the previous look."""
    like = sum(other.label == box.label for other in frame)
    number = COUNTS[like : like + 1] if like > 1 else ()
    return (*box.label.split(), *_place(box), *number, *_motion(box, before))


def _place(box: Box) -> list[str]:
    """Returns the place of an object by thirds: left, right, top, bottom, a corner or middle."""
    down = "top" if box.y < 1 / 3 else "bottom" if box.y > 2 / 3 else ""
    across = "left" if box.x < 1 / 3 else "right" if box.x > 2 / 3 else ""
    return [word for word in (down, across) if word] or ["middle"]


def _motion(box: Box, before: Sequence[Box]) -> list[str]:
    """Returns the direction of motion since the previous frame."""
    same = [other for other in before if other.label == box.label]
    if len(same) != 1:
        return []
    x, y = box.x - same[0].x, box.y - same[0].y
    if max(abs(x), abs(y)) < MIN_STEP:
        return ["still"]
    if abs(x) > abs(y):
        return ["west" if x < 0 else "east"]  # left and right are words of place
    return ["up" if y < 0 else "down"]


def _whole(described: Sequence[tuple[str, ...]], look: int) -> tuple[str, ...]:
    """The unique words of one group of objects, largest first, without places; a group per look."""
    groups = max(1, -(-len(described) // OBJECTS_PER_LOOK))
    start = look % groups * OBJECTS_PER_LOOK
    words = (word for group in described[start : start + OBJECTS_PER_LOOK] for word in group)
    return tuple(word for word in dict.fromkeys(words) if word not in PLACES)


def _inside(boxes: Sequence[Box], row: int, column: int, grid: tuple[int, int]) -> list[Box]:
    """Returns the objects in a square, that with the largest overlap first."""
    height, width = 1 / grid[0], 1 / grid[1]
    shares = []
    for box in boxes:
        across = _shared(box.x, box.width, (column + 0.5) * width, width)
        down = _shared(box.y, box.height, (row + 0.5) * height, height)
        if across * down >= MIN_OVERLAP * min(_area(box), width * height):
            shares.append((across * down, box))
    return [box for _, box in sorted(shares, key=lambda pair: pair[0], reverse=True)]


def _shared(center: float, size: float, other: float, other_size: float) -> float:
    """Returns the length of the overlap of two intervals."""
    low = max(center - size / 2, other - other_size / 2)
    high = min(center + size / 2, other + other_size / 2)
    return max(0.0, high - low)


def _area(box: Box) -> float:
    return box.width * box.height
