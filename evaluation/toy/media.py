"""Synthetic videos and images, and the parquet files that hold them."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLORS = {
    "red": (214, 48, 49),
    "blue": (9, 80, 220),
    "green": (30, 160, 60),
    "yellow": (250, 205, 30),
}
WIDTH, HEIGHT, FPS = 160, 120, 8


def write_video(path: Path, colors: Sequence[str], seconds: float = 4.0) -> None:
    """Encodes a square moving right that takes each color for an equal part of the video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * FPS)
    # The explicit format is needed because the release names some of its files .MP4.
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(count):
            frame = video_frame(colors[number * len(colors) // count], number / count)
            picture = av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def video_frame(color: str, progress: float) -> Image.Image:
    """Draws one frame; `progress` from 0 to 1 is the square's position."""
    frame = Image.new("RGB", (WIDTH, HEIGHT), (235, 235, 235))
    left = round(progress * (WIDTH - 40))
    ImageDraw.Draw(frame).rectangle((left, 40, left + 40, 80), fill=COLORS[color])
    return frame


def page(lines: Sequence[str], size: tuple[int, int] = (320, 200)) -> bytes:
    """Returns a white page with lines of text, as PNG."""
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((12, 12 + 30 * number), line, fill="black", font=ImageFont.load_default(20))
    return encoded(picture)


def chart(values: Mapping[str, int]) -> bytes:
    """Returns a bar chart as PNG; the height of a bar is its value."""
    picture = Image.new("RGB", (60 + 60 * len(values), 220), "white")
    draw = ImageDraw.Draw(picture)
    for number, (name, value) in enumerate(values.items()):
        left = 30 + 60 * number
        draw.rectangle((left, 180 - value, left + 40, 180), fill=list(COLORS.values())[number])
        draw.text((left, 185), name, fill="black", font=ImageFont.load_default(14))
        draw.text(
            (left + 8, 160 - value), str(value), fill="black", font=ImageFont.load_default(14)
        )
    return encoded(picture)


def disc(color: str) -> bytes:
    """Returns a colored disc on white, as PNG."""
    picture = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(picture).ellipse((20, 20, 76, 76), fill=COLORS[color])
    return encoded(picture)


def encoded(picture: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def packed(data: bytes, name: str) -> dict[str, Any]:
    """Returns an image in the hub's format."""
    return {"bytes": data, "path": name}


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], group: int = 4) -> None:
    """Writes rows as parquet in several row groups, as in files of many gigabytes."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError(
            'toy sets need pyarrow; install it with: pip install -e ".[evaluation]"'
        ) from error

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.Table.from_pylist([dict(row) for row in rows])
    parquet.write_table(table, path, row_group_size=group)
