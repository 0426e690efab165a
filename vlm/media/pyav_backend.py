"""Reading videos with PyAV (FFmpeg): the frames shown at given times, and what was wrong.

For every wanted time the reader either goes on decoding from where it is or jumps to the key frame
before it, whichever decodes fewer frames. Packets that cannot be decoded are skipped and counted; one
bad spot does not cost the rest of the video.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
from av.error import FFmpegError

from vlm.media.kinds import CODECS
from vlm.media.limits import MediaError
from vlm.media.orientation import from_display_matrix, shown_size
from vlm.media.request import Check, Message, Request
from vlm.media.sampling import segment_times
from vlm.media.source import Source
from vlm.media.timeline import BREAK, Timeline, read_timeline

# UnicodeDecodeError and IndexError come out of PyAV itself on damaged headers.
READ_ERRORS = (FFmpegError, OSError, ValueError, IndexError)
CLOSE = 1e-4  # seconds; a frame that comes this little late is on time
JUMP_FRAMES = 6  # a jump costs about as much as decoding this many frames

BT709 = 1  # these numbers are FFmpeg's, from ITU-T H.273
HDR_TRANSFERS = (16, 18)  # PQ (HDR10, Dolby Vision) and HLG (phones, broadcast)

av.logging.set_level(None)  # log callbacks into Python can deadlock, and say nothing to a user


@contextmanager
def open_video(source: Source, request: Request) -> Iterator[tuple[Any, Any]]:
    """(container, video stream), checked against the allow-lists and limits, not yet decoded."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,yuv4mpegpipe",
        "codec_whitelist": ",".join(sorted(CODECS | {"libdav1d"})),  # while streams are probed
    }
    try:
        container = av.open(
            source.url, format=source.kind.reader, options=options, metadata_errors="replace"
        )
    except READ_ERRORS:
        if source.kind.reader == "mov" and not _has_box(source.fd, b"moov"):
            raise MediaError(
                f"{source.name} is incomplete: the table of contents of an MP4, often its last part, "
                "is missing. Copy or upload it again."
            ) from None
        raise MediaError(
            f"{source.name} begins like a {source.kind.name} video but cannot be read; it is damaged."
        ) from None
    with container:
        stream = _main_stream(container, source)
        codec = stream.codec_context.codec.canonical_name
        if codec not in CODECS:
            raise MediaError(
                f"{source.name} is encoded with {codec}, which is not accepted; convert it to MP4 "
                "(H.264) first."
            )
        _check_size(stream.width, stream.height, source, request)
        stream.codec_context.options = {"max_pixels": str(request.limits.pixels)}
        stream.thread_count = request.threads
        stream.thread_type = "AUTO"
        yield container, stream


def probe_video(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """One "info" message. Decodes a single frame, for what only frames tell: which way is up."""
    opened = _open_with_timeline(source, request)
    with _errors_in_words(source), opened as (container, stream, timeline):
        reader = _Reader(container, stream, timeline, request, check)
        _, first = next(reader.frames(), (0.0, None))
        if first is None:
            raise _nothing(source)
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
    """ "start", one "frame" for every different frame found, "end".

    At the first damage all is begun anew ("start" once more) with a decoder that is slower and
    careful: one thread, so that it is known which packet failed, and nothing from there to the next key
    frame, because what is decoded there is built on what is missing.
    """
    try:
        yield from _read(source, request, check, careful=False)
    except _DamageFound:
        yield from _read(source, request, check, careful=True)


class _DamageFound(Exception):  # noqa: N818  never leaves this file
    pass


def _read(source: Source, request: Request, check: Check, careful: bool) -> Iterator[Message]:
    if careful:
        request = dataclasses.replace(request, threads=1)
    opened = _open_with_timeline(source, request)
    with _errors_in_words(source), opened as (container, stream, timeline):
        times = wanted_times(request, timeline.duration)
        reader = _Reader(container, stream, timeline, request, check, careful)
        size: tuple[int, int] | None = None
        stored, warnings, obtained = None, [], 0
        for time, frame in reader.pick(times):
            if size is None:
                size, (turns, mirror), warnings = _layout(frame, stream, request.size)
                stored = (frame.width, frame.height)
                start = {"event": "start", "total": len(times), "turns": turns, "mirror": mirror}
                yield {**start, "duration": timeline.duration, "backend": "pyav"}, b""
            if (frame.width, frame.height) != stored:
                stored = (frame.width, frame.height)
                note = "The picture size changes within the video; all frames were brought to one."
                warnings = warnings if note in warnings else [*warnings, note]
            picture = frame.reformat(
                *size, format="rgb24", interpolation="BICUBIC", threads=1, **_to_plain_range(frame)
            )
            head = {"event": "frame", "time": time, "width": size[0], "height": size[1]}
            plane = picture.planes[0]
            yield {**head, "stride": plane.line_size}, memoryview(plane)
            obtained += 1
        if not obtained:
            raise _nothing(source)
        damaged = _damage(timeline, len(reader.bad))
        yield {"event": "end", "damaged": damaged, "warnings": warnings}, b""


@contextmanager
def _errors_in_words(source: Source) -> Iterator[None]:
    try:
        yield
    except (MediaError, _DamageFound, MemoryError):
        raise
    except READ_ERRORS as error:
        raise _nothing(source) from error


@contextmanager
def _open_with_timeline(source: Source, request: Request) -> Iterator[tuple[Any, Any, Timeline]]:
    with open_video(source, request) as (container, stream):
        timeline = read_timeline(container, stream, source.size)
        limit = request.limits.duration
        if timeline.duration > limit:
            raise MediaError(
                f"{source.name} lasts {timeline.duration / 3600:.2f} hours; the limit is "
                f"{limit / 3600:.2f}. Cut it into parts."
            )
        if not timeline.walked:
            yield container, stream, timeline
            return
    # Its packets were read to the end; a fresh start is surer than a seek back, in AVI above all.
    with open_video(source, request) as (container, stream):
        yield container, stream, timeline


def wanted_times(request: Request, duration: float) -> list[float]:
    """The times asked for, in order, each once."""
    if request.times is not None:
        return sorted(set(request.times))
    return segment_times(duration, request.num_frames or 16)


class _Reader:
    """Decodes forward, jumps, and notes what could not be decoded. Times from the first frame."""

    def __init__(
        self,
        container: Any,
        stream: Any,
        timeline: Timeline,
        request: Request,
        check: Check,
        careful: bool = True,
    ) -> None:
        self.container, self.stream, self.timeline = container, stream, timeline
        self.request, self.check, self.careful = request, check, careful
        self.tick = float(stream.time_base)
        self.step = 1.0 / (timeline.fps or 25.0)
        self.bad: set[int] = set()  # where in the file damaged packets lie
        self.walked = 0
        self.jumps_help = not timeline.broken

    def frames(self) -> Iterator[tuple[float, Any]]:
        """(time, frame) from here to the end of the file, good ones only."""
        packets = self.container.demux(self.stream)
        offset, last = -self.timeline.start, None
        whole = True  # is what a frame is built on known to be there?
        while True:
            self.check()
            packet = None
            try:
                packet = next(packets)
                decoded = packet.decode()
            except StopIteration:
                return
            except FFmpegError:
                if not self.careful:
                    raise _DamageFound from None
                if packet is None:
                    self.bad.add(-1)
                    return
                self.bad.add(packet.pos if packet.pos is not None else len(self.bad))
                whole = False
                continue
            for frame in decoded:
                self.walked += 1
                if self.walked > self.request.limits.frames_walked:
                    return
                stamp = frame.pts if frame.pts is not None else frame.dts
                if stamp is None:  # some raw streams and AVI: count
                    time = 0.0 if last is None else last + self.step
                else:
                    time = stamp * self.tick + offset
                if self.timeline.broken and last is not None and time < last - BREAK:
                    offset += last + self.step - time  # a second clip, joined on
                    time = last + self.step
                last = time
                whole = whole or frame.key_frame
                if whole:
                    yield time, frame

    def pick(self, times: list[float]) -> Iterator[tuple[float, Any]]:
        """(its time, frame) for the frame on show at each of `times` (sorted), none twice."""
        frames = self.frames()
        held: tuple[float, Any] | None = None  # the last frame not after the wanted time
        ahead: tuple[float, Any] | None = None  # one decoded too far
        given: float | None = None
        for wanted in times:
            time = wanted + CLOSE
            if self._jump_pays(held[0] if held else 0.0, time):
                frames, held = self._jump(held[0] if held else 0.0, time)
                ahead = None
            while held is None or self._end(*held) <= time:
                ahead = ahead or next(frames, None)
                if ahead is None or (held is not None and ahead[0] > time):
                    break
                held, ahead = ahead, None
            if held is None:
                return
            if held[0] != given:
                given = held[0]
                yield held

    def _end(self, time: float, frame: Any) -> float:
        """When the next frame is due; unknown durations end at once, so that one more is decoded."""
        return time + (frame.duration or 0) * self.tick * 0.999

    def _jump_pays(self, at: float, time: float) -> bool:
        if not self.jumps_help:
            return False
        if self.timeline.keys:
            key = self.timeline.key_before(time)
            return key is not None and key > at + JUMP_FRAMES * self.step
        return time > at + max(1.0, 4 * JUMP_FRAMES * self.step)

    def _jump(self, at: float, time: float) -> tuple[Iterator[Any], tuple[float, Any] | None]:
        """Seeks to a key frame before `time`. Returns frames and the first of them.

        Open groups of pictures and wrong indices can land behind the wanted time: then once more,
        from earlier; at last from the beginning.
        """
        key = self.timeline.key_before(time)
        goal = time if key is None else key
        for earlier in (0.0, 1.0, 10.0, goal):
            self._seek(max(goal - earlier, 0.0) + self.timeline.start)
            frames = self.frames()
            first = next(frames, None)
            if first is not None and first[0] <= time:
                break
        if first is None or not at < first[0] <= time:
            self.jumps_help = False  # it led back, or nowhere
        return frames, first

    def _seek(self, time: float) -> None:
        try:
            self.container.seek(int(time / self.tick), stream=self.stream, backward=True)
        except FFmpegError:
            # Nothing to seek in (a raw stream, a broken index): what follows is read as it comes.
            self.jumps_help = False


def _main_stream(container: Any, source: Source) -> Any:
    """The film, not the cover picture: default first, then the largest."""
    cover = av.stream.Disposition.attached_pic
    films = [s for s in container.streams.video if not s.disposition & cover]
    streams = [s for s in films if s.codec_context is not None]
    if films and not streams:
        raise MediaError(
            f"{source.name} is encoded in a way that is not known here; it is damaged, or should be "
            "converted to MP4 (H.264) first."
        )
    if not streams:
        what = "only sound" if container.streams.audio else "no video"
        raise MediaError(f"{source.name} has {what} in it; there is nothing to see.")
    default = av.stream.Disposition.default
    return max(streams, key=lambda s: (bool(s.disposition & default), s.width * s.height))


def _check_size(width: int, height: int, source: Source, request: Request) -> None:
    limits = request.limits
    if width * height > limits.pixels:
        raise MediaError(
            f"{source.name} has frames of {width} x {height}; the limit is "
            f"{limits.pixels / 1e6:.0f} million pixels. Scale it down first."
        )
    if min(width, height) and max(width, height) / min(width, height) > limits.aspect_ratio:
        raise MediaError(
            f"{source.name} is {width} x {height}: one side is more than "
            f"{limits.aspect_ratio:.0f} times the other. Crop it first."
        )


def _layout(
    frame: Any, stream: Any, longest: int | None
) -> tuple[tuple[int, int], tuple[int, bool], list[str]]:
    """What to scale to, (quarter turns, mirrored), and what to tell the user."""
    warnings = []
    orientation: tuple[int, bool] | None = (0, False)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        orientation = from_display_matrix(bytes(matrix))
        if orientation is None:
            warnings.append("The video asks to be shown at an angle; it was left as it is.")
            orientation = (0, False)
    size = shown_size(frame.width, frame.height, stream.sample_aspect_ratio, longest)
    return size, orientation, warnings


def _to_plain_range(frame: Any) -> dict[str, int]:
    """Bright (HDR) video to the ordinary range: its white stays white, what is brighter is clipped."""
    if getattr(frame, "color_trc", 0) in HDR_TRANSFERS:
        return {"dst_color_trc": BT709, "dst_color_primaries": BT709}
    return {}


def _nothing(source: Source) -> MediaError:
    return MediaError(f"{source.name} has no frame that can be decoded; it is damaged.")


def _damage(timeline: Timeline, bad: int) -> list[str]:
    said = []
    missing = timeline.declared - timeline.duration
    if timeline.declared and missing > max(0.5, 0.02 * timeline.declared):
        said.append(
            f"Only {timeline.duration:.1f} of {timeline.declared:.1f} seconds could be read; "
            "the file is incomplete."
        )
    if bad:
        said.append(f"{bad} damaged {'frame was' if bad == 1 else 'frames were'} left out.")
    return said


def _has_box(fd: int, wanted: bytes) -> bool:
    """Does an MP4 have this box at its top level?"""
    size, at = os.fstat(fd).st_size, 0
    for _ in range(10_000):
        head = os.pread(fd, 16, at)
        if len(head) < 8:
            return False
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if head[4:8] == wanted:
            return at + length <= size
        if length < 8:
            return False
        at += length
    return False
