"""Reading videos and pictures: the one module the rest of the program asks.

    video = read_video("clip.mp4", num_frames=32, size=448)
    video.frames        # uint8 [T, H, W, 3], upright
    video.times         # float64 [T], the true seconds of those frames from the first one
    video.damaged       # what could not be read, as sentences; empty for a sound file

Every file is read in a process of its own that can be limited and killed (`isolated=False` reads it
here: for files you made yourself). All that can go wrong with a file is a `MediaError` with one
sentence.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlm.media.confined.child import Child
from vlm.media.confined.limits import DEFAULT_LIMITS, Limits, MediaError
from vlm.media.confined.request import Request
from vlm.media.confined.service import messages
from vlm.media.source import shown


@dataclass(frozen=True)
class MediaInfo:
    """`width` and `height` as seen: upright, square pixels. A still picture lasts 0 seconds."""

    path: str
    kind: Literal["image", "video"]
    width: int
    height: int
    duration: float  # seconds, of what can be read
    num_frames: int
    fps: float  # mean; frames need not be evenly spaced
    container: str
    codec: str
    warnings: tuple[str, ...] = ()


def probe(
    path: str | os.PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    isolated: bool = True,
    child: Child | None = None,
) -> MediaInfo:
    """Looks into a file, in a child process. MediaError if it cannot be used."""
    (head, _), *_ = messages(path, Request("probe", limits=limits), isolated, child=child)
    fields = {key: value for key, value in head.items() if key not in ("event", "warnings")}
    return MediaInfo(path=os.fspath(path), warnings=tuple(head["warnings"]), **fields)


PathLike = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DecodedVideo:
    """Frames and the times they really have. Fewer than asked for if the video has fewer."""

    frames: NDArray[np.uint8]  # [T, H, W, 3]
    times: NDArray[np.float64]  # [T] seconds from the first frame
    duration: float  # seconds that can be read
    damaged: tuple[str, ...]  # what is missing or broken, as sentences
    backend: str  # who decoded it
    asked: int  # number of different times asked for
    warnings: tuple[str, ...] = ()  # what else a user should know

    @property
    def obtained(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class DecodedImage:
    pixels: NDArray[np.uint8]  # [H, W, 3]
    warnings: tuple[str, ...] = ()


def read_video(
    path: PathLike,
    num_frames: int | None = None,
    times: Sequence[float] | None = None,
    size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    backend: str = "auto",
    isolated: bool = True,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> DecodedVideo:
    """Reads the frames on show at `times` (seconds), or in the middles of `num_frames` segments.

    They come back in order, none twice. Without either, 16 frames. `size` is the longest side of
    what comes back: frames are scaled down while they are decoded, never up. `progress(done,
    total)` is called as frames arrive; setting `cancel` ends the reading within half a second with
    MediaCancelled.
    """
    moments = None if times is None else tuple(float(time) for time in times)
    request = Request("video", num_frames, moments, size, backend, limits=limits)
    return _collect(path, request, isolated, progress, cancel, child)


def read_image(
    path: PathLike,
    size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    isolated: bool = True,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> DecodedImage:
    """Reads a still picture: upright, 8 bits, on white, its longest side at most `size`."""
    request = Request("image", size=size, limits=limits)
    video = _collect(path, request, isolated, None, cancel, child)
    return DecodedImage(video.frames[0], video.warnings)


class MediaReader:
    """Reads files with one set of limits and keeps the next child process ready.

    A process is used for one file and thrown away; having started the next one ahead saves
    the tenth of a second it takes to load. Safe to use from several threads; close it at the end.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._closed = False
        self._ready: Child | None = Child()

    def probe(self, path: PathLike) -> MediaInfo:
        with self._child() as child:
            return probe(path, self.limits, child=child)

    def read_video(
        self,
        path: PathLike,
        num_frames: int | None = None,
        times: Sequence[float] | None = None,
        size: int | None = None,
        backend: str = "auto",
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> DecodedVideo:
        with self._child() as child:
            return read_video(
                path, num_frames, times, size, self.limits, backend, True, progress, cancel, child
            )

    def read_image(
        self, path: PathLike, size: int | None = None, cancel: threading.Event | None = None
    ) -> DecodedImage:
        with self._child() as child:
            return read_image(path, size, self.limits, True, cancel, child)

    def close(self) -> None:
        with self._lock:
            child, self._ready, self._closed = self._ready, None, True
        if child is not None:
            child.close()

    @contextmanager
    def _child(self) -> Iterator[Child]:
        """The process that is ready, or a new one; the next is started when this one is done."""
        with self._lock:
            child, self._ready = self._ready, None
        try:
            yield child if child is not None and child.process.poll() is None else Child()
        finally:
            with self._lock:
                if self._ready is None and not self._closed:
                    self._ready = Child()

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _collect(
    path: PathLike,
    request: Request,
    isolated: bool,
    progress: Progress | None,
    cancel: threading.Event | None,
    child: Child | None,
) -> DecodedVideo:
    """Puts the frames a backend sends into one array, upright. Believes nothing a child says."""
    start: dict = {}
    frames: NDArray[np.uint8] | None = None
    times: list[float] = []
    for head, payload in messages(path, request, isolated, cancel, child):
        if head["event"] == "start":
            start, frames, times = head, None, []  # a second start: all anew, with more care
            if progress is not None:
                progress(0, start["total"])
        elif head["event"] == "frame":
            picture = _picture(head, payload, path)
            picture = _upright(picture, start["turns"], start["mirror"])
            if frames is None:
                frames = _room(start["total"], picture, request, path)
            if picture.shape != frames.shape[1:] or len(times) == len(frames):
                raise MediaError(f"The process reading {shown(path)} answered nonsense.")
            frames[len(times)] = picture
            times.append(float(head["time"]))
            if progress is not None:
                progress(len(times), start["total"])
        elif head["event"] == "end":
            assert frames is not None
            return DecodedVideo(
                frames=frames[: len(times)],
                times=np.asarray(times, np.float64),
                duration=float(start["duration"]),
                damaged=tuple(head["damaged"]),
                backend=start["backend"],
                asked=start["total"],
                warnings=tuple(head["warnings"]),
            )
    raise AssertionError("a backend ends with an end")


def _picture(head: dict, payload: memoryview | bytes, path: PathLike) -> NDArray[np.uint8]:
    """rgb24 rows, each `stride` bytes long -> [H, W, 3]"""
    width, height, stride = head["width"], head["height"], head["stride"]
    rows = np.frombuffer(payload, np.uint8)
    if min(width, height) < 1 or stride < 3 * width or rows.size < stride * height:
        raise MediaError(f"The process reading {shown(path)} answered nonsense.")
    rows = rows[: stride * height].reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3)


def _room(
    total: int, picture: NDArray[np.uint8], request: Request, path: PathLike
) -> NDArray[np.uint8]:
    """[T, H, W, 3] for all frames, if they may take that much memory."""
    needed = total * picture.nbytes
    if total > request.limits.num_frames or needed > request.limits.memory_bytes:
        raise MediaError(
            f"{total} frames of {shown(path)} at full size would take {needed / 2**30:.1f} GB; "
            "ask for fewer or for smaller ones."
        )
    return np.empty((total, *picture.shape), np.uint8)


def _upright(frame: NDArray[np.uint8], turns: int, mirror: bool) -> NDArray[np.uint8]:
    """frame [H, W, 3] as it is stored -> as it is meant to be seen (a view)."""
    return np.rot90(frame[:, ::-1] if mirror else frame, turns)
