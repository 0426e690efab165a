"""The cost of decoding training media in a process that can be killed, and what a cache saves.

    python -m benchmarks.reading [--quick]

Reads an image and a clip in four ways that give the same squares: in this process; by the loader's
`Decoder`, one process for many files; by one process per file, as for uploads; and from the cache
of decoded squares. The ways alternate; prints medians and their ratio to the first.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.decode import make_video
from benchmarks.timing import medians
from data.records import MediaFile
from data.samples.decoder import Decoder
from data.samples.disk_cache import FrameCache
from vlm.ending import end
from vlm.media.decode import MediaReader, read_image, read_video
from vlm.media.squares import resize_frames

SQUARE = 448


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table."""
    repeats = 3 if quick else 9
    lines = [
        "## Decoding media for training",
        "",
        "| | in the loader | its decoder process | one process per file | cached squares |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_video(folder / "clip.mp4", 2 if quick else 10)
        pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((1024, 768)).save(folder / "picture.jpg", quality=90)
        for label, file, num_frames in (
            ("image, 1024 x 768", "picture.jpg", 1),
            ("16 frames of 1080p", "clip.mp4", 16),
        ):
            lines.append(_row(label, folder, file, num_frames, repeats))
    return [*lines, ""]


def _row(label: str, folder: Path, file: str, num_frames: int, repeats: int) -> str:
    video = num_frames > 1
    media = MediaFile("video" if video else "image", folder / file)
    decoder, cache = Decoder(), FrameCache(folder / "frames", 2**30)
    options = {"num_frames": num_frames, "size": 4 * SQUARE}

    def in_process() -> NDArray[np.uint8]:
        if video:
            frames = read_video(media.path, isolated=False, **options).frames  # type: ignore[arg-type]
        else:
            frames = read_image(media.path, isolated=False).pixels[None]
        return resize_frames(frames, SQUARE)

    def in_decoder() -> NDArray[np.uint8]:
        if video:
            return decoder.video(media, num_frames, SQUARE).frames
        return decoder.image(media, SQUARE).frames

    def from_cache() -> NDArray[np.uint8]:
        found = cache.load(cache.name(media, num_frames, SQUARE))
        assert found is not None
        return found.frames

    with MediaReader() as reader:

        def per_file() -> NDArray[np.uint8]:
            if video:
                frames = reader.read_video(media.path, **options).frames  # type: ignore[arg-type]
            else:
                frames = reader.read_image(media.path).pixels[None]
            return resize_frames(frames, SQUARE)

        decode = decoder.video(media, num_frames, SQUARE) if video else decoder.image(media, SQUARE)
        cache.store(cache.name(media, num_frames, SQUARE), decode)
        ways = {
            "in process": in_process,
            "decoder": in_decoder,
            "per file": per_file,
            "cache": from_cache,
        }
        first = in_process()
        assert all(np.array_equal(first, way()) for way in ways.values())
        took = medians(ways, repeats)
        base = took["in process"]
    cells = [f"{1000 * one.clock:.1f} ms ({one.clock / base.clock:.2f})" for one in took.values()]
    return f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true")
    sys.stdout.write("\n".join(run(parser.parse_args().quick)) + "\n")


if __name__ == "__main__":
    end(main)
