"""Builds the frame strip: the frames the model saw, with their times, shown below an answer.

Frames are kept in memory as JPEG (16 frames of 256 px take about 150 KB) under a random key, the
only way to request them. Nothing is written to disk.
"""

import html
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from app.sanitize import for_label
from vlm.assistant import Seen


@dataclass(frozen=True)
class Strip:
    """The frames of one file. times: seconds from the start per frame; None for a still image."""

    name: str
    kind: str  # "image" or "video"
    pictures: tuple[bytes, ...]  # JPEG
    times: tuple[float, ...] | None
    warnings: tuple[str, ...] = ()
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def labels(self) -> list[str]:
        """Returns a caption per frame: its time, or which tile of a still image it is."""
        if self.times is not None:
            return [clock(t) for t in self.times]
        if len(self.pictures) == 1:
            return ["whole"]
        return [f"part {i}" for i in range(1, len(self.pictures))] + ["whole"]

    @property
    def summary(self) -> str:
        """Describes the strip in a few words."""
        count = len(self.pictures)
        if self.kind == "video":
            frames = "frame" if count == 1 else "frames"
            return f"{count} {frames} seen of {for_label(self.name)}, scaled as the model sees them"
        parts = f", in {count - 1} parts and as a whole" if count > 1 else ""
        return f"{for_label(self.name)} as it was seen{parts}"


def strip_of(seen: Seen) -> Strip:
    """Builds the strip of one file the model saw."""
    times = None if seen.times is None else tuple(float(t) for t in seen.times)
    pictures = tuple(_jpeg(frame) for frame in seen.frames)
    return Strip(seen.name, seen.kind, pictures, times, tuple(seen.warnings))


def clock(seconds: float) -> str:
    """Formats seconds as 0:07.5, or 1:02:03.0 from one hour on."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes < 60:
        return f"{minutes}:{rest / 10:04.1f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest / 10:04.1f}"


def strip_html(strips: Sequence[Strip], base: str) -> str:
    """Renders the strips as HTML. Each frame links to itself, so it opens without scripts too."""
    return "".join(_one_strip(strip, base) for strip in strips)


def _one_strip(strip: Strip, base: str) -> str:
    cells = []
    for index, label in enumerate(strip.labels):
        address = f"{base}/{strip.key}/{index}.jpg"
        when = f"at {label}" if strip.times else label
        said = f"{for_label(strip.name)}, {when}, picture {index + 1} of {len(strip.pictures)}"
        said = html.escape(said)
        cells.append(
            f'<a class="frame" href="{address}" target="_blank" rel="noopener">'
            f'<img src="{address}" alt="{said}" loading="lazy"><span>{label}</span></a>'
        )
    notes = "".join(f"<p>{html.escape(for_label(w, 300))}</p>" for w in strip.warnings)
    return (
        f'<figure class="strip"><figcaption>{html.escape(strip.summary)}</figcaption>'
        f'<div class="frames">{"".join(cells)}</div>{notes}</figure>'
    )


def _jpeg(frame: np.ndarray) -> bytes:
    """Encodes uint8 [H, W, 3] as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
