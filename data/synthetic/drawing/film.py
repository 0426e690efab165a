"""From things that have a place at every moment to the frames of a clip."""

from collections.abc import Callable, Sequence

from PIL import Image

from data.synthetic.drawing.canvas import Placed, paint
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip


def film(
    rng: WorldRng,
    base: Image.Image,
    scene: Callable[[float], Sequence[Placed]],
    standing: Sequence[Placed] = (),
) -> Clip:
    """A clip of two to five seconds; `scene` says what is where at a moment from 0 to 1.

    `standing` is what stays in its place behind all that.
    """
    base = paint(base, standing)
    fps, num_frames = timing(rng)
    frames: list[Image.Image] = []
    shown: list[list[Placed]] = []
    before: list[Placed] | None = None
    for i in range(num_frames):
        items = list(scene(i / (num_frames - 1)))
        frames.append(frames[-1] if items == before else paint(base, items))
        shown.append([*standing, *items])
        before = items
    return Clip(frames, fps, shown)


def timing(rng: WorldRng) -> tuple[int, int]:
    """Frames per second and number of frames."""
    fps = rng.pick((8, 10, 12))
    return fps, round(fps * rng.between(2.0, 5.0))
