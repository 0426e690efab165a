"""What the experts found in one frame."""

from dataclasses import dataclass, field

Box = tuple[float, float, float, float]  # left, top, right, bottom; 0 to 1 of the frame


@dataclass(frozen=True)
class Thing:
    """One thing that the detector found."""

    name: str  # a class of COCO
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
    """One row of text that the reader found; parts that stand far apart are joined by " | "."""

    text: str
    confidence: float  # 0 to 1
    box: Box
    height: float  # of its letters; 0 to 1 of the frame's height


@dataclass(frozen=True)
class Findings:
    """What the experts found in one frame, most certain or most prominent first."""

    kinds: tuple[tuple[str, float], ...] = ()  # the classifier's names with probabilities
    things: tuple[Thing, ...] = ()
    lines: tuple[Line, ...] = ()  # in the order of reading
    color: str = ""  # the commonest color of the whole frame
    blurred: bool = False
    dark: bool = False
    skipped: frozenset[str] = field(default=frozenset())  # experts that did not look
