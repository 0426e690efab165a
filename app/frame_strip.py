"""Builds the frame strip: the frames the model saw, with their times and what was read of them.

Frames are kept in memory as JPEG (16 frames of 256 px take about 150 KB) under a random key, the
only way to request them. Nothing is written to disk.
"""

import html
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from app.boxes import in_words, with_boxes
from app.sanitize import for_label
from app.what_was_read import read_html
from vlm.assistant import FilePlan, Seen
from vlm.experts.findings import Findings

_SWITCH = '<label class="switch"><input type="checkbox" class="boxes">Show boxes</label>'


@dataclass(frozen=True)
class Strip:
    """The frames of one file. times: seconds from the start per frame; None for a still image."""

    name: str
    kind: str  # "image" or "video"
    pictures: tuple[bytes, ...]  # JPEG
    times: tuple[float, ...] | None
    warnings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # what the model read beside them
    findings: tuple[Findings, ...] = ()  # of the experts, for each frame or for the whole image
    size: tuple[int, int] = (0, 0)  # width and height of the file's picture; (0, 0): unknown
    grid: tuple[int, int] = (1, 1)  # columns and rows that a picture was cut into
    source: str = ""  # key of the file (`app.turns.file_key`)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def without_pictures(self) -> "Strip":
        """Returns the strip without its pictures, which the browser may still hold."""
        return replace(self, pictures=(b"",) * len(self.pictures), findings=())

    @property
    def labels(self) -> list[str]:
        """Returns a caption per frame: its time, or which tile of a still image it is."""
        if self.times is not None:
            return [clock(t) for t in self.times]
        if len(self.pictures) == 1:
            return ["whole"]
        return [f"part {i}" for i in range(1, len(self.pictures))] + ["whole"]

    def found_in(self, index: int) -> Findings | None:
        """Returns what the experts found in a picture; None if they did not look at it.

        They look at a still image as a whole, never at its parts.
        """
        first = len(self.pictures) - len(self.findings)
        return self.findings[index - first] if index >= first else None

    def boxed(self, index: int) -> bytes | None:
        """Returns a picture with the experts' boxes as JPEG; None if they did not look at it."""
        found = self.found_in(index)
        return None if found is None else with_boxes(self.pictures[index], found)

    def shape(self, index: int) -> float | None:
        """Returns width / height of a picture before it was made a square; None if unknown."""
        (width, height), (columns, rows) = self.size, self.grid
        if not width or not height:
            return None
        is_part = len(self.pictures) > 1 and self.kind == "image" and index < len(self.pictures) - 1
        return (width / columns) / (height / rows) if is_part else width / height

    @property
    def summary(self) -> str:
        """Describes the strip in a few words."""
        count = len(self.pictures)
        if self.kind == "video":
            frames = "frame" if count == 1 else "frames"
            return f"{count} {frames} seen of {for_label(self.name)}"
        parts = f", in {count - 1} parts and as a whole" if count > 1 else ""
        return f"{for_label(self.name)} as it was seen{parts}"


def strip_of(seen: Seen, file: FilePlan | None = None, source: str = "") -> Strip:
    """Builds the strip of one file the model saw."""
    times = None if seen.times is None else tuple(float(t) for t in seen.times)
    return Strip(
        seen.name,
        seen.kind,
        tuple(_jpeg(frame) for frame in seen.frames),
        times,
        tuple(seen.warnings),
        tuple(seen.words),
        tuple(seen.findings),
        file.size if file else (0, 0),
        file.grid if file else (1, 1),
        source,
    )


def clock(seconds: float) -> str:
    """Formats seconds as 0:07.5, or 1:02:03.0 from one hour on."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes < 60:
        return f"{minutes}:{rest / 10:04.1f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest / 10:04.1f}"


def strip_html(strips: Sequence[Strip], base: str) -> str:
    """Renders the strips as HTML. Each frame links to itself, so it opens without scripts too.

    The page's scripts exchange a frame with the one at its data-boxes, and fill in those that only
    the browser holds (data-kept).
    """
    return "".join(_one_strip(strip, base) for strip in strips)


def _one_strip(strip: Strip, base: str) -> str:
    cells = "".join(_frame(strip, index, label, base) for index, label in enumerate(strip.labels))
    notes = "".join(f"<p>{html.escape(for_label(w, 300))}</p>" for w in strip.warnings)
    switch = _SWITCH if strip.findings else ""
    return (
        f'<figure class="strip" data-source="{html.escape(strip.source)}" data-kind="{strip.kind}">'
        f"<figcaption>{html.escape(strip.summary)}{switch}</figcaption>"
        f'<div class="frames">{cells}</div>{notes}'
        f"{read_html(strip.words, strip.findings)}</figure>"
    )


def _frame(strip: Strip, index: int, label: str, base: str) -> str:
    when = f"at {label}" if strip.times else label
    text = f"{for_label(strip.name)}, {when}, picture {index + 1} of {len(strip.pictures)}"
    address, more = f"{base}/{strip.key}/{index}.jpg", ""
    if (found := strip.found_in(index)) is not None:
        more = f' data-boxes="{base}/{strip.key}/boxes/{index}.jpg"'
        text += f": {in_words(found)}"
    if strip.times:
        more += f' data-time="{strip.times[index]:.3f}"'
    shape = strip.shape(index)
    style = f' style="aspect-ratio:{min(max(shape, 0.2), 5):.4f}"' if shape else ""
    where = f'href="{address}"' if strip.pictures[index] else f'href="#" data-kept="{address}"'
    source = f' src="{address}"' if strip.pictures[index] else ""
    return (
        f'<span class="cell"><a class="frame" {where}{more} target="_blank" rel="noopener">'
        f'<img{source}{style} alt="{html.escape(text)}" loading="lazy"><span>{label}</span></a>'
        f'<button class="enlarge" aria-label="Enlarge {html.escape(text)}">⤢</button></span>'
    )


def _jpeg(frame: np.ndarray) -> bytes:
    """Encodes uint8 [H, W, 3] as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
