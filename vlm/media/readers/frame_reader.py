"""Decodes the frames displayed at given times, reading on or seeking, whichever is cheaper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from av.codec import CodecContext
from av.error import FFmpegError

from vlm.media.confined.protocol import Check, Request
from vlm.media.readers.packets import BREAK
from vlm.media.readers.timeline import Timeline

CLOSE = 1e-4  # seconds; a frame this little late is on time
LATE = 0.5  # seconds; the last frame may be displayed longer than its duration field
JUMP_FRAMES = 6  # a seek costs about as much as decoding this many frames
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

Care = Literal["quick", "careful", "lenient"]


class DamageFound(Exception):  # noqa: N818  never reaches a user
    """The file needs a more careful reader: start over."""


class FrameReader:
    """Decodes, seeks, and notes what could not be decoded. Times count from the first frame."""

    def __init__(
        self,
        container: Any,
        stream: Any,
        timeline: Timeline,
        request: Request,
        check: Check,
        care: Care = "lenient",
    ) -> None:
        self.container, self.stream, self.timeline = container, stream, timeline
        self.request, self.check, self.care = request, check, care
        self.tick = float(stream.time_base)
        self.step = 1.0 / (timeline.fps or 25.0)
        self.bad: set[int] = set()  # file positions of damaged packets
        self.walked = 0
        self.ended: float | None = None  # when frames stopped although more were due
        self.repeats = 0  # requested times that fall on a frame already given
        self.latest = 0.0  # seconds, of the latest frame that was decoded, yielded or not
        self.stopped = False  # at `request.until`
        self.jumps_help = not timeline.broken
        self.transparent = _transparent_decoder(stream)

    def frames(self) -> Iterator[tuple[float, Any]]:
        """Yields (time, frame) from here to the end of the file, intact frames only.

        With `request.until`, no packet of a later frame reaches the decoder: reading ends at the
        first one. Frames in front of it that are coded after it (B frames) depend on it, so they
        are missing, as they would be in a live stream.
        """
        packets = self.container.demux(self.stream)
        offset, last = -self.timeline.start, None
        whole = True  # are the reference frames known to be intact?
        while True:
            self.check()
            packet = None
            try:
                packet = next(packets)
                if self._is_later(packet, offset):
                    self.stopped, packets, packet = True, iter(()), None
                decoded = self.decode(packet)
            except StopIteration:
                return
            except FFmpegError:
                if self.care == "quick":
                    raise DamageFound from None
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
                if stamp is None:  # some raw streams and AVI have no times: count
                    time = 0.0 if last is None else last + self.step
                else:
                    time = stamp * self.tick + offset
                if self.timeline.broken and last is not None and time < last - BREAK:
                    offset += last + self.step - time  # a second clip, appended
                    time = last + self.step
                last = time
                self.latest = max(self.latest, time)
                whole = whole or frame.key_frame or self.care == "lenient"
                if whole:
                    yield time, frame

    def decode(self, packet: Any) -> list[Any]:
        """The frames that this packet completes; None: those that the decoder still holds."""
        if self.transparent is not None:
            return self.transparent.decode(packet)
        return self.stream.codec_context.decode(None) if packet is None else packet.decode()

    def _is_later(self, packet: Any, offset: float) -> bool:
        """Returns whether a packet belongs to a frame that is displayed after `request.until`."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if self.request.until is None or stamp is None:
            return False
        return stamp * self.tick + offset > self.request.until + CLOSE

    def pick(self, times: list[float]) -> Iterator[tuple[float, Any]]:
        """Yields (time, frame) of the frames displayed at `times` (sorted), none twice."""
        frames = self.frames()
        held: tuple[float, Any] | None = None  # the last frame not after the requested time
        ahead: tuple[float, Any] | None = None  # one decoded too far
        given: float | None = None
        for wanted in times:
            time = wanted + CLOSE
            if self._jump_pays(held[0] if held else 0.0, time):
                frames, held = self._jump(held[0] if held else 0.0, time)
                ahead = None
            while held is None or self._end(*held) <= time:
                ahead = ahead or next(frames, None)
                if ahead is None and held and not self.stopped and self._more_due(held, time):
                    self.ended = held[0]
                if ahead is None or (held is not None and ahead[0] > time):
                    break
                held, ahead = ahead, None
            if held is None:
                return
            if held[0] != given:
                given = held[0]
                yield held
            elif self.ended is None:
                self.repeats += 1

    def _end(self, time: float, frame: Any) -> float:
        """When the next frame is due; if the duration is unknown, at once, to decode one more."""
        if self.timeline.walked and self.timeline.frames:
            return self.timeline.end_of(time)
        return time + (frame.duration or 0) * self.tick * 0.999

    def _more_due(self, held: tuple[float, Any], time: float) -> bool:
        """Whether a frame after `held`, the last one there is, should be displayed at `time`."""
        if self.timeline.walked and self.timeline.frames:
            return held[0] + LATE < self.timeline.frames[-1] and time > self._end(*held)
        return self._end(*held) + LATE < time <= self.timeline.duration

    def _jump_pays(self, at: float, time: float) -> bool:
        if not self.jumps_help:
            return False
        if self.timeline.keys:
            key = self.timeline.key_before(time)
            return key is not None and key > at + JUMP_FRAMES * self.step
        return time > at + max(1.0, 4 * JUMP_FRAMES * self.step)

    def _jump(self, at: float, time: float) -> tuple[Iterator[Any], tuple[float, Any] | None]:
        """Seeks to a key frame before `time`. Returns the frames from there and the first one.

        Open groups of pictures and wrong indices can land after the requested time: then it tries
        again from earlier, and finally from the beginning.
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
            self.jumps_help = False  # it went backwards, or nowhere
        return frames, first

    def _seek(self, time: float) -> None:
        if self.transparent is not None:
            self.transparent.flush_buffers()
        try:
            self.container.seek(int(time / self.tick), stream=self.stream, backward=True)
        except FFmpegError:
            # Not seekable (a raw stream, a broken index): read on in order.
            self.jumps_help = False


def _transparent_decoder(stream: Any) -> Any:
    """Returns a decoder of VP8 or VP9 that knows WebM's transparency; None if the stream has none.

    FFmpeg's own decoders of the two drop it.
    """
    name = ALPHA_DECODERS.get(stream.codec_context.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        return None
    decoder = CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    decoder.options = stream.codec_context.options
    decoder.thread_count = stream.codec_context.thread_count
    return decoder
