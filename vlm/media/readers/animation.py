"""Reads animated GIF, WebP, PNG and AVIF as videos (by Pillow; FFmpeg lacks animated WebP)."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from PIL import Image

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.pixels import READ_ERRORS, displayed, orientation
from vlm.media.readers.animation_index import index_frames
from vlm.media.readers.images import frame_message, is_animated, open_image
from vlm.media.readers.orientation import display_size
from vlm.media.source import Source


def read_animation(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", a "frame" for every distinct frame found, "end".

    Decodes up to the last frame requested. At a frame that cannot be decoded it starts over
    (another "start") with the frames before it.
    """
    with open_image(source, request) as image:
        if not is_animated(image):
            raise MediaError(
                f"{source.name} is a still picture, not a video; read it as a picture."
            )
        index = index_frames(source, image, request, check)
        lengths = index.lengths
        while lengths:
            failed = yield from _read(image, lengths, request, check)
            if failed is None:
                break
            lengths = lengths[:failed]
        if not lengths:
            raise MediaError(f"{source.name} has no frame that can be decoded; it is damaged.")
    damaged = []
    if len(lengths) < len(index.lengths):
        damaged.append(f"Only {len(lengths)} of {len(index.lengths)} frames were read.")
    if index.truncated:
        damaged.append("The file is incomplete: its end is missing.")
    yield {"event": "end", "damaged": damaged, "warnings": []}, b""


def _read(
    image: Any, lengths: Sequence[float], request: Request, check: Check
) -> Generator[Message, None, int | None]:
    """Yields "start" and the frames; returns the number of a frame that cannot be decoded."""
    starts = list(itertools.accumulate(lengths, initial=0.0))
    duration = starts.pop()
    wanted = {
        max(bisect.bisect_right(starts, time + 1e-9) - 1, 0)
        for time in request.times_in(duration, starts)
    }
    start = {"event": "start", "total": request.count, "turns": 0, "mirror": False}
    yield {**start, "duration": duration, "backend": "pillow"}, b""
    turned = orientation(image)
    for number in range(max(wanted) + 1):
        check()
        try:
            image.seek(number)
            if number in wanted:
                image.load()
        except READ_ERRORS:
            return number
        if number in wanted:
            picture = displayed(image, turned)
            size = display_size(*picture.size, None, request.size)
            if size != picture.size:
                picture = picture.resize(size, Image.Resampling.BICUBIC)
            yield frame_message(picture, starts[number])
    return None
