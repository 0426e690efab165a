"""Renders moving things to the frames of a clip."""

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
    """Renders a clip of two to five seconds; `scene` maps a time from 0 to 1 to the moving things.

    The `standing` things stay in place behind them.
    """
    base = paint(base, standing)
    fps, num_frames = timing(rng)
    frames: list[Image.Image] = []
    placed: list[list[Placed]] = []
    before: list[Placed] | None = None
    for i in range(num_frames):
        items = list(scene(i / (num_frames - 1)))
        frames.append(frames[-1] if items == before else paint(base, items))
        placed.append([*standing, *items])
        before = items
    return Clip(frames, fps, placed)


def timing(rng: WorldRng) -> tuple[int, int]:
    """Picks frames per second and the number of frames."""
    fps = rng.pick((8, 10, 12))
    return fps, round(fps * rng.between(2.0, 5.0))
