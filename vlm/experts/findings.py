"""What the experts found in one frame: plain values, before they become words."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, top, right, bottom; 0 to 1 of the frame

UNNAMED = "shape"  # a drawn thing that is no figure of geometry
CERTAIN = 0.48  # the score of a thing that is stated; below, it is a guess


@dataclass(frozen=True)
class Kind:
    """What the classifier takes the whole frame for: a class, or a family such as "dog"."""

    name: str
    probability: float


@dataclass(frozen=True)
class Thing:
    """One thing that the detector found, or the expert for drawings."""

    name: str  # a class of COCO, a figure of geometry or UNNAMED
    score: float  # 0 to 1
    box: Box
    color: str = ""

    @property
    def center(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


@dataclass(frozen=True)
class Line:
    """One row of text that the reader found; cells that stand apart are joined by " | "."""

    text: str
    confidence: float  # 0 to 1
    box: Box
    height: float  # of its letters; 0 to 1 of the frame's height


@dataclass(frozen=True)
class Findings:
    """What the experts found in one frame; None where an expert is switched off or missing."""

    kinds: tuple[Kind, ...] | None = None  # most probable first
    things: tuple[Thing, ...] | None = None  # most certain first
    lines: tuple[Line, ...] | None = None  # in the order of reading
    color: str = ""  # the commonest of the whole frame
    middle_color: str = ""  # what the middle has more than the edges
    blurred: bool = False
    dark: bool = False


def shared_area(a: Box, b: Box) -> float:
    """The area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def iou(a: Thing, b: Thing) -> float:
    """Intersection over union of two boxes."""
    shared = shared_area(a.box, b.box)
    return shared / (a.area + b.area - shared) if shared else 0.0
