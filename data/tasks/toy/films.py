"""Films of shapes that move over noise, with the mask of every shape on every frame.

The shapes and colors are those of the synthetic worlds; black and white are left out, since the
ground is dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.synthetic.drawing.shapes import COLORS, SHAPES, shape_picture

SIZE, FPS = 64, 8  # pixels, frames per second
SIDE = 20  # pixels of a shape
NOISE = 60  # brightest value of the ground
DIRECTIONS = {"down": (0, 1), "left": (-1, 0), "right": (1, 0), "up": (0, -1)}
BRIGHT = tuple(color for color in COLORS if color not in ("black", "white"))
# Shapes that always have the same color, as objects of a category look alike.
KINDS = {"circle": "red", "square": "blue", "triangle": "green", "star": "yellow"}
SOLID = 128  # alpha from which a pixel belongs to the shape


@dataclass(frozen=True)
class Mover:
    """A shape that crosses the picture between two times, in seconds, and is not there else."""

    color: str
    shape: str
    direction: str
    start: float
    end: float
    across: float = 0.5  # its place beside its path, 0 to 1

    @property
    def name(self) -> str:
        return f"{self.color} {self.shape}"


@dataclass(frozen=True, eq=False)
class Film:
    """Frames [T, S, S, 3] and of each mover the pixels that are seen, [T, S, S]."""

    frames: NDArray[np.uint8]
    movers: Sequence[Mover]
    masks: Sequence[NDArray[np.bool_]] = field(default=())

    @property
    def duration(self) -> float:
        return len(self.frames) / FPS


def film(rng: np.random.Generator, seconds: float, movers: Sequence[Mover]) -> Film:
    """Draws the movers in order, later ones in front of earlier ones."""
    num_frames = round(seconds * FPS)
    frames = rng.integers(0, NOISE, (num_frames, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.zeros((len(movers), num_frames, SIZE, SIZE), dtype=bool)
    for number, mover in enumerate(movers):
        stamp = np.asarray(shape_picture(mover.shape, COLORS[mover.color], SIDE))  # [S, S, 4]
        solid = stamp[..., 3] >= SOLID
        for t in range(num_frames):
            if mover.start <= t / FPS < mover.end:
                row, column = _place(mover, t / FPS)
                there = (slice(row, row + SIDE), slice(column, column + SIDE))
                frames[t][there][solid] = stamp[..., :3][solid]
                for before in masks[:number, t]:
                    before[there] &= ~solid
                masks[number, t][there] = solid
    return Film(frames, movers, list(masks))


def _place(mover: Mover, time: float) -> tuple[int, int]:
    """Row and column of the upper left corner."""
    room = SIZE - SIDE
    gone = (time - mover.start) / (mover.end - mover.start)
    x, y = DIRECTIONS[mover.direction]
    along = gone if x + y > 0 else 1 - gone
    row, column = (mover.across, along) if x else (along, mover.across)
    return round(row * room), round(column * room)


def any_mover(rng: np.random.Generator, start: float, end: float, kind: bool = False) -> Mover:
    """Returns a mover of a random look, direction and path; of `kind`: one of KINDS."""
    shape = str(rng.choice(list(KINDS) if kind else list(SHAPES)))
    color = KINDS[shape] if kind else str(rng.choice(BRIGHT))
    direction = str(rng.choice(list(DIRECTIONS)))
    return Mover(color, shape, direction, start, end, float(rng.random()))


def write_film(path: Path, shown: Film) -> None:
    """Writes a video in the container that the suffix names; bytes depend only on the frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    webm = path.suffix == ".webm"
    options = (
        {"deadline": "realtime", "crf": "10", "b": "1M"}
        if webm
        else {"preset": "ultrafast", "crf": "30"}
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx" if webm else "libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in shown.frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_frames(folder: Path, shown: Film) -> list[str]:
    """Writes frames as 00000.jpg, 00001.jpg, ...; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{t:05d}.jpg" for t in range(len(shown.frames))]
    for name, frame in zip(names, shown.frames, strict=True):
        Image.fromarray(frame).save(folder / name, quality=95)
    return names
