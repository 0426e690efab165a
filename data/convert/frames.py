"""Writes a film from the pictures of its frames, since a record names one file per film."""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from data.complete_file import completed
from data.convert.media_names import STILLS, CannotConvertError
from data.records import MediaFile
from data.samples.decoder import Decoder
from vlm.media.confined.limits import MediaError

QUALITY = {"preset": "veryfast", "crf": "12"}  # no difference that an eye sees


def frames_in(folder: Path) -> list[Path]:
    """Returns the pictures in a folder in order: frame2.jpg comes before frame10.jpg."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in STILLS]
    return sorted((path for path in found if path.is_file()), key=_natural)


def write_film(frames: Sequence[Path], per_second: float, path: Path, decoder: Decoder) -> None:
    """Writes H.264 in MP4, in the size of the first frame, rounded down to even numbers.

    Raises CannotConvertError if a frame cannot be read or the encoder does not take its size.
    """
    try:
        _encode(frames, per_second, path, decoder)
    except av.FFmpegError as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise CannotConvertError(f"its frames cannot be written as a film ({reason})") from None


def _encode(frames: Sequence[Path], per_second: float, path: Path, decoder: Decoder) -> None:
    first = _pixels(frames[0], decoder)
    height, width = (max(2, side // 2 * 2) for side in first.shape[:2])
    with completed(path) as unfinished, av.open(str(unfinished), "w", format="mp4") as film:
        rate = Fraction(per_second).limit_denominator(1000)
        stream = film.add_stream("libx264", rate=rate, options=QUALITY)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1  # equal frames give equal bytes
        for number, file in enumerate(frames):
            picture = Image.fromarray(_pixels(file, decoder) if number else first)
            pixels = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        film.mux(stream.encode())


def _pixels(path: Path, decoder: Decoder) -> np.ndarray:
    try:
        return decoder.image(MediaFile("image", path)).frames[0]
    except MediaError as error:
        raise CannotConvertError(f"the frame {path.name} cannot be read ({error})") from None


def _natural(path: Path) -> list[tuple[int, str]]:
    pieces = re.findall(r"\d+|\D+", path.name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]
