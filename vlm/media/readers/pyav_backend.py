"""Reads videos with PyAV (FFmpeg): the frames displayed at given times, and what was damaged.

For every requested time the reader either decodes on from its position or seeks to the key frame
before it, whichever decodes fewer frames. Packets that cannot be decoded are skipped and counted;
one damaged spot does not cost the rest of the video.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vlm.media.confined.limits import MediaError
from vlm.media.confined.protocol import Check, Message, Request
from vlm.media.readers.container import READ_ERRORS, open_with_timeline
from vlm.media.readers.frame_reader import Care, DamageFound, FrameReader
from vlm.media.readers.orientation import display_size, from_display_matrix
from vlm.media.readers.timeline import Timeline
from vlm.media.source import Source

BT709 = 1  # these numbers are FFmpeg's, from ITU-T H.273
HDR_TRANSFERS = (16, 18)  # PQ (HDR10, Dolby Vision) and HLG (phones, broadcast)


def probe_video(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields one "info" message. Decodes one frame, because only frames carry the orientation."""
    opened = open_with_timeline(source, request, check)
    with _as_media_errors(source), opened as (container, stream, timeline):
        reader = FrameReader(container, stream, timeline, request, check)
        _, first = next(reader.frames(), (0.0, None))
        if first is None:
            raise _no_frame(source)
        (width, height), (turns, _), warnings = _layout(first, stream, None)
        if turns % 2:
            width, height = height, width
        info = {
            "event": "info",
            "kind": "video",
            "width": width,
            "height": height,
            "duration": timeline.duration,
            "num_frames": timeline.num_frames,
            "fps": timeline.fps,
            "container": source.kind.name,
            "codec": stream.codec_context.codec.canonical_name,
            "warnings": [*_damage(timeline, 0), *warnings],
        }
        yield info, b""


def read_frames(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """Yields "start", a "frame" for every distinct frame found, "end".

    At the first damage it starts over (another "start") with a slower, careful decoder: one thread,
    so that the failing packet is known, and no frames from there to the next key frame, because
    they are decoded from missing data. If that yields no frame, it starts a third time and accepts
    whatever the decoder returns. It also starts over if requested times fall on one frame and it
    does not yet know where the other frames are.
    """
    cares: list[Care] = ["quick", "careful", "lenient"]
    exact = False
    while True:
        try:
            yield from _read(source, request, check, cares[0], exact)
            return
        except DamageFound:
            cares.pop(0)
        except FramesUnknown:
            exact = True


def _read(
    source: Source, request: Request, check: Check, care: Care, exact: bool = False
) -> Iterator[Message]:
    if care != "quick":
        request = dataclasses.replace(request, threads=1)
    opened = open_with_timeline(source, request, check, care == "careful", exact)
    with _as_media_errors(source), opened as (container, stream, timeline):
        times = request.times_in(timeline.duration, timeline.frames)
        reader = FrameReader(container, stream, timeline, request, check, care)
        size: tuple[int, int] | None = None
        warnings: list[str] = []
        stored, obtained = None, 0
        for time, frame in reader.pick(times):
            if _frames_needed(reader, request):
                raise FramesUnknown
            if size is None:
                size, (turns, mirror), warnings = _layout(frame, stream, request.size)
                stored = (frame.width, frame.height)
                start = {"event": "start", "total": request.count, "turns": turns, "mirror": mirror}
                yield {**start, "duration": timeline.duration, "backend": "pyav"}, b""
            if (frame.width, frame.height) != stored:
                stored = (frame.width, frame.height)
                note = "The picture size changes within the video; all frames were resized to one."
                warnings = warnings if note in warnings else [*warnings, note]
            yield _picture(frame, time, size)
            obtained += 1
        if _frames_needed(reader, request):
            raise FramesUnknown
        if not obtained and care == "careful":
            raise DamageFound
        if not obtained:
            raise _no_frame(source)
        damaged = _damage(timeline, len(reader.bad))
        if reader.ended is not None:
            damaged.append(f"Nothing could be read after {reader.ended:.1f} seconds.")
        if care == "lenient":
            damaged.append("Almost no frame is intact; the frames may be wrong.")
        end = {"event": "end", "damaged": damaged, "warnings": warnings}
        yield {**end, "latest": reader.latest}, b""


class FramesUnknown(Exception):  # noqa: N818  never reaches a user
    """Requested times fall on one frame, and where the others are is not known exactly."""


def _frames_needed(reader: FrameReader, request: Request) -> bool:
    given = request.times is not None
    return reader.repeats > 0 and not (given or reader.timeline.walked or reader.bad)


@contextmanager
def _as_media_errors(source: Source) -> Iterator[None]:
    try:
        yield
    except (MediaError, DamageFound, FramesUnknown, MemoryError):
        raise
    except READ_ERRORS as error:
        raise _no_frame(source) from error


def _layout(
    frame: Any, stream: Any, longest: int | None
) -> tuple[tuple[int, int], tuple[int, bool], list[str]]:
    """(size to scale to, (quarter turns, mirrored), warnings for the user)"""
    warnings = []
    orientation = (0, False)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        known = from_display_matrix(bytes(matrix))
        if known is None:
            warnings.append(
                "The video is rotated by an angle other than a quarter turn; it was not rotated."
            )
        orientation = known or (0, False)
    size = display_size(frame.width, frame.height, stream.sample_aspect_ratio, longest)
    return size, orientation, warnings


def _picture(frame: Any, time: float, size: tuple[int, int]) -> Message:
    """Returns a frame scaled to `size`, transparency on white."""
    if any(component.is_alpha for component in frame.format.components):
        return _on_white(frame, time, size)
    picture = frame.reformat(
        *size, format="rgb24", interpolation="BICUBIC", threads=1, **_to_standard_range(frame)
    )
    head = {"event": "frame", "time": time, "width": size[0], "height": size[1]}
    plane = picture.planes[0]
    return {**head, "stride": plane.line_size}, memoryview(plane)


def _on_white(frame: Any, time: float, size: tuple[int, int]) -> Message:
    from PIL import Image  # here, because hardly a video is transparent

    from vlm.media.pixels import on_white
    from vlm.media.readers.images import frame_message

    stored = frame.reformat(format="rgba", threads=1, **_to_standard_range(frame))
    plane, shape = stored.planes[0], (frame.width, frame.height)
    picture = Image.frombuffer("RGBA", shape, plane, "raw", "RGBA", plane.line_size, 1)
    picture = on_white(picture)
    if size != shape:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return frame_message(picture, time)


def _to_standard_range(frame: Any) -> dict[str, int]:
    """Converts HDR video to standard range: white stays white, brighter values are clipped."""
    if getattr(frame, "color_trc", 0) in HDR_TRANSFERS:
        return {"dst_color_trc": BT709, "dst_color_primaries": BT709}
    return {}


def _no_frame(source: Source) -> MediaError:
    return MediaError(f"{source.name} has no frame that can be decoded; it is damaged.")


def _damage(timeline: Timeline, bad: int) -> list[str]:
    damaged = []
    missing = timeline.declared - timeline.duration
    if timeline.declared and missing > (
        0.05 if timeline.truncated else max(0.5, 0.02 * timeline.declared)
    ):
        damaged.append(
            f"Only {timeline.duration:.1f} of {timeline.declared:.1f} seconds could be read; "
            "the file is incomplete."
        )
    elif timeline.truncated:
        damaged.append("The file is incomplete: its end is missing.")
    if bad:
        damaged.append(f"{bad} damaged {'frame was' if bad == 1 else 'frames were'} skipped.")
    return damaged
