"""The exactly known positions of the objects in a record's picture or clip, and their JSON."""

import math
from dataclasses import dataclass
from typing import Any

FORM = '{"frames": [[["label", x, y, width, height], ...], ...]}'


@dataclass(frozen=True)
class Box:
    """An object and its position: center and size as fractions of width and height."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Objects:
    """The exactly known objects in a record's single picture or clip."""

    frames: tuple[tuple[Box, ...], ...]  # one for a still picture, evenly spaced over a clip
    background: str = ""  # a color name, empty unless plain


def objects_to_json(objects: Objects) -> dict[str, Any]:
    """Converts objects to the value of a record's `objects`."""
    frames = [[_box_to_json(box) for box in frame] for frame in objects.frames]
    return {"background": objects.background, "frames": frames}


def objects_from_json(value: Any) -> Objects | None:
    """Returns the inverse of `objects_to_json`; raises ValueError with the expected form."""
    if value is None:
        return None
    try:
        frames = tuple(
            tuple(Box(str(label), *map(_number, numbers)) for label, *numbers in frame)
            for frame in value["frames"]
        )
        if not frames:
            raise ValueError('"objects" needs at least one frame')
        return Objects(frames, str(value.get("background", "")))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f'"objects" must be {FORM} ({error})') from error


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a position")
    return number


def _box_to_json(box: Box) -> list[str | float]:
    return [box.label, *(round(n, 3) for n in (box.x, box.y, box.width, box.height))]
