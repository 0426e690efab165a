"""What a maker of worlds gives: a picture or a clip, a caption, questions with known answers."""

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
    """The pictures of a video, all of one even-sided size, and what is where on each of them."""

    frames: Sequence[Image.Image]
    fps: int
    shown: Sequence[Sequence[Placed]] = ()  # one for each frame, or none where nothing has a place


@dataclass(frozen=True)
class World:
    """One made example. Each maker says all that can be asked; the stage decides what is."""

    media: Image.Image | Clip
    caption: str
    turns: tuple[QAPair, ...]
    shown: Sequence[Placed] = ()  # what is where on a still picture
    ground: str = ""  # the color of the background where it has one
