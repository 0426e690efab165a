"""Which backend reads which file. The same in a reading process and in the program itself."""

from __future__ import annotations

from collections.abc import Iterator

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.kinds import PDF
from vlm.media.source import Source


def read(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields the messages that answer `request`. Imports a backend only when it is needed."""
    messages = _backend(source, request, check)
    return messages if request.square is None else _as_squares(messages, request.square)


def _backend(source: Source, request: Request, check: Check) -> Iterator[Message]:
    if request.do == "captions":
        if source.kind.family == "image":
            return iter([({"event": "info", "captions": []}, b"")])
        from vlm.media.readers.captions import read_captions

        return read_captions(source, request, check)
    if source.kind.reader == PDF:
        from vlm.media.readers import pdf

        if request.do == "video":
            raise MediaError(f"{source.name} is a PDF document, not a video.")
        reads_page = pdf.probe_document if request.do == "probe" else pdf.read_page
        return reads_page(source, request, check)
    if source.kind.family == "image":
        from vlm.media.readers import animation, images

        reads = {
            "probe": images.probe_image,
            "image": images.read_still,
            "video": animation.read_animation,
        }
        return reads[request.do](source, request, check)
    if request.do == "image":
        raise MediaError(f"{source.name} is a video, not a picture; read it as a video.")
    if request.backend == "decord" and request.do == "video":
        from vlm.media.readers.decord_backend import read_frames

        return read_frames(source, request, check)
    from vlm.media.readers import pyav_backend

    if request.do == "probe":
        return pyav_backend.probe_video(source, request, check)
    return pyav_backend.read_frames(source, request, check)


def _as_squares(messages: Iterator[Message], side: int) -> Iterator[Message]:
    """Frames upright and as squares, resized as vlm.media.squares.resize_frames does.

    Done where the frames are decoded, so that small squares cross the socket, not large frames.
    """
    from PIL import Image

    from vlm.media.readers.images import frame_message

    rotate = Image.Transpose  # counter-clockwise
    rotations = (rotate.ROTATE_90, rotate.ROTATE_180, rotate.ROTATE_270)
    turns, mirror = 0, False
    for head, payload in messages:
        if head["event"] == "start":
            turns, mirror = head["turns"], head["mirror"]
            head = {**head, "turns": 0, "mirror": False}
        elif head["event"] == "frame":
            size = (head["width"], head["height"])
            frame = Image.frombytes("RGB", size, payload, "raw", "RGB", head["stride"], 1)
            if mirror:
                frame = frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if turns:
                frame = frame.transpose(rotations[turns - 1])
            if frame.size != (side, side):
                frame = frame.resize((side, side), Image.Resampling.BICUBIC)
            head, payload = frame_message(frame, head["time"])
        yield head, payload
