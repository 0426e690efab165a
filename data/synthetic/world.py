"""The output of a maker: a picture or clip, a caption, questions with known answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from data.synthetic.drawing.canvas import Placed


@dataclass(frozen=True)
class QAPair:
    """A question and its answer; `accept`, `near` and `wrong` are for data/scoring.py."""

    task: str
    question: str
    answer: str
    accept: tuple[str, ...]
    near: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clip:
    """The frames of a video, all of one even-sided size, and the things on each of them."""

    frames: Sequence[Image.Image]
    fps: int
    placed: Sequence[Sequence[Placed]] = ()  # one per frame; empty if nothing has a position


@dataclass(frozen=True)
class World:
    """One synthetic example with all possible questions; the stage picks from them."""

    media: Image.Image | Clip
    caption: str
    turns: tuple[QAPair, ...]
    placed: Sequence[Placed] = ()  # the things on a still picture
    ground: str = ""  # the color of a plain background
