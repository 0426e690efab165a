"""From things that have a place at every moment to the frames of a clip."""

from collections.abc import Callable, Sequence

from PIL import Image

from data.synthetic.canvas import Placed, paint
from data.synthetic.dice import Dice
from data.synthetic.world import Clip


def film(dice: Dice, base: Image.Image, scene: Callable[[float], Sequence[Placed]]) -> Clip:
    """A clip of two to five seconds; `scene` says what is where at a moment from 0 to 1."""
    fps, num_frames = timing(dice)
    frames: list[Image.Image] = []
    before: list[Placed] | None = None
    for i in range(num_frames):
        items = list(scene(i / (num_frames - 1)))
        frames.append(frames[-1] if items == before else paint(base, items))
        before = items
    return Clip(frames, fps)


def timing(dice: Dice) -> tuple[int, int]:
    """Frames per second and number of frames."""
    fps = dice.pick((8, 10, 12))
    return fps, round(fps * dice.between(2.0, 5.0))
