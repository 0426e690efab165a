"""Reads animated GIF, WebP, PNG and AVIF as videos (by Pillow; FFmpeg lacks animated WebP)."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.readers.images import frame_message, in_srgb, is_animated, on_white, open_image, walk
from vlm.media.readers.orientation import display_size
from vlm.media.source import Source


def read_animation(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", a "frame" for every distinct frame found, "end". Walks the file twice."""
    with open_image(source, request) as image:
        if not is_animated(image):
            raise MediaError(
                f"{source.name} is a still picture, not a video; read it as a picture."
            )
        declared = getattr(image, "n_frames", 1)
        ends, clock = [], 0.0
        for _, length in walk(image, request, check):
            clock += length
            ends.append(clock)
        if not ends:
            raise MediaError(f"{source.name} has no frame that can be decoded; it is damaged.")
        times = request.times_in(clock)
        wanted: dict[int, None] = {}
        for time in times:
            wanted[next((i for i, end in enumerate(ends) if time < end), len(ends) - 1)] = None
        start = {"event": "start", "total": len(times), "turns": 0, "mirror": False}
        yield {**start, "duration": clock, "backend": "pillow"}, b""
        for index, (frame, length) in enumerate(walk(image, request, check)):
            if index in wanted:
                picture = in_srgb(on_white(frame), None)
                size = display_size(*picture.size, None, request.size)
                if size != picture.size:
                    picture = picture.resize(size, Image.Resampling.BICUBIC)
                yield frame_message(picture, ends[index] - length)
    damaged = [] if len(ends) == declared else [f"Only {len(ends)} of {declared} frames were read."]
    yield {"event": "end", "damaged": damaged, "warnings": []}, b""
