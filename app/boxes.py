"""Draws what the experts found on a frame: a named box for each thing, a plain one for each row of
text.

The names are the detector's own classes. Text that was read is never drawn or rendered: a frame
with boxes is a JPEG, so nothing in a picture can become a part of the page.
"""

import io
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from app.sanitize import for_label
from vlm.experts.findings import CERTAIN, Box, Findings, Thing
from vlm.experts.words import name_things
from vlm.plural import plural

SIDE = 720  # pixels of the drawn frame's shorter side, so that names can be read ...
ENLARGED = 4  # ... but at most this much larger than the frame
FONT, LINE, PAD = 20, 3, 4  # pixels
# Told apart by their names too: only things have one. Legible to most kinds of color blindness.
THING, GUESS, TEXT, INK = "#ffb000", "#ffe3a3", "#56b4e9", "#1c1917"


def with_boxes(jpeg: bytes, findings: Findings) -> bytes:
    """Returns the frame as a larger JPEG with the boxes on it."""
    frame = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = min(max(SIDE / min(frame.size), 1.0), ENLARGED)
    frame = frame.resize((round(frame.width * scale), round(frame.height * scale)))
    draw = ImageDraw.Draw(frame)
    for line in findings.lines or ():
        draw.rectangle(_pixels(line.box, frame), outline=TEXT, width=LINE)
    for thing in reversed(findings.things or ()):  # the most certain on top
        _draw_thing(draw, thing, frame)
    buffer = io.BytesIO()
    frame.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def in_words(findings: Findings) -> str:
    """Returns what the boxes show, for a caption: "1 cat (middle brown); 2 lines of text"."""
    parts = []
    if findings.things is not None:
        parts.append(name_things(findings.things) or "no things")
    if findings.lines is not None:
        count = len(findings.lines)
        parts.append(f"{plural(count, 'line')} of text" if count else "no text")
    return "; ".join(parts)


def _draw_thing(draw: ImageDraw.ImageDraw, thing: Thing, frame: Image.Image) -> None:
    box = _pixels(thing.box, frame)
    sure = thing.score >= CERTAIN
    color = THING if sure else GUESS
    draw.rectangle(box, outline=INK, width=LINE + 2)
    draw.rectangle(box, outline=color, width=LINE)
    name = f"{for_label(thing.name, 30)} {thing.score:.0%}" if sure else f"{thing.name}?"
    width = draw.textlength(name, font=_font()) + 2 * PAD
    height = FONT + 2 * PAD
    left = max(min(box[0], frame.width - width), 0)
    top = box[1] - height if box[1] >= height else box[1]  # inside the box where none is above
    draw.rectangle((left, top, left + width, top + height), fill=color)
    draw.text((left + PAD, top + PAD), name, fill=INK, font=_font())


def _pixels(box: Box, frame: Image.Image) -> tuple[float, float, float, float]:
    """Returns left, top, right, bottom in pixels inside the frame, in this order."""
    left, right = sorted(min(max(x, 0.0), 1.0) * (frame.width - 1) for x in (box[0], box[2]))
    top, bottom = sorted(min(max(y, 0.0), 1.0) * (frame.height - 1) for y in (box[1], box[3]))
    return left, top, right, bottom


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(FONT)
