"""Makes a toy set of labeled clips: which way does a square move, left, right, up or down?

    python -m data.clips.motion OUT [--clips 200] [--seed 0]

Writes OUT/clips/*.mp4, OUT/train.jsonl and OUT/held.jsonl. Half of the clips are the other half
played backward, which belong to the opposite class: an encoder that sees each frame by itself has
the same features for both, and is wrong about one of them.
"""

import argparse
import json
import sys
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from data.complete_file import completed
from vlm.ending import end

SIZE, NUM_FRAMES, FPS = 64, 16, 8
SIDE, STEP = 16, 3  # pixels: of the square, and how far it moves in a frame
HELD_OUT = 5  # one of so many pairs is held out


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m data.clips.motion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--clips", type=int, default=200, help="number of clips (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.clips < 4 * HELD_OUT:
        sys.exit(f"{parser.prog}: --clips must be at least {4 * HELD_OUT}")
    try:
        make(arguments.out, arguments.clips, arguments.seed)
    except OSError as error:
        sys.exit(f"{parser.prog}: {arguments.out} cannot be written ({error.strerror})")


def make(out: Path, num_clips: int, seed: int = 0) -> None:
    """Writes the set; equal for equal seeds."""
    (out / "clips").mkdir(parents=True, exist_ok=True)
    lists: dict[str, list[str]] = {"train": [], "held": []}
    for pair in range(num_clips // 2):
        rng = np.random.default_rng([seed, pair])
        one, other = ("right", "left") if pair % 2 else ("down", "up")
        frames = moving_square(rng, down=one == "down")
        name = "train" if (pair // 2) % HELD_OUT else "held"
        for label, clip in ((one, frames), (other, frames[::-1])):
            file = f"clips/{pair:04d}-{label}.mp4"
            write_clip(out / file, clip)
            lists[name].append(json.dumps({"video": file, "label": label}))
    for name, lines in lists.items():
        with completed(out / f"{name}.jsonl") as unfinished:
            unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")


def moving_square(rng: np.random.Generator, down: bool) -> NDArray[np.uint8]:
    """Frames [T, S, S, 3] of a bright square on noise that moves down, or to the right."""
    frames = rng.integers(0, 60, (NUM_FRAMES, SIZE, SIZE, 3), dtype=np.uint8)
    color = rng.integers(150, 256, 3, dtype=np.uint8)
    room = SIZE - SIDE
    across = int(rng.integers(0, room + 1))
    along = int(rng.integers(0, room - STEP * (NUM_FRAMES - 1) + 1))
    for t in range(NUM_FRAMES):
        place = along + STEP * t
        row, column = (place, across) if down else (across, place)
        frames[t, row : row + SIDE, column : column + SIDE] = color
    return frames


def write_clip(path: Path, frames: NDArray[np.uint8]) -> None:
    """Writes H.264 in MP4, with one thread so that the bytes depend only on the frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


if __name__ == "__main__":
    end(main)
