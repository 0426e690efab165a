"""Reads videos and pictures; the one module the rest of the program calls.

    video = read_video("clip.mp4", num_frames=32, size=448)
    video.frames        # uint8 [T, H, W, 3], upright
    video.times         # float64 [T], the true seconds of those frames from the first one
    video.damaged       # what could not be read, as sentences; empty for an intact file

Every file is read in a process of its own that is limited and can be killed (`isolated=False` reads
it in this process: for files you made yourself). Any failure of a file raises `MediaError` with one
sentence.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlm.media.collect import DecodedVideo, Progress, collect_frames, messages
from vlm.media.confined.child import Child
from vlm.media.confined.limits import DEFAULT_LIMITS, Limits
from vlm.media.confined.protocol import Request
from vlm.media.source import PathLike

# Frames are decoded at this many times the side of the squares that they become: more than any
# resampling uses, and 4K films stay small.
SQUARES_FROM = 4


@dataclass(frozen=True)
class MediaInfo:
    """`width`, `height` as displayed: upright, square pixels. A still picture lasts 0 seconds."""

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
    path: PathLike,
    limits: Limits = DEFAULT_LIMITS,
    isolated: bool = True,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> MediaInfo:
    """Describes a file without decoding all of it. Raises MediaError if it cannot be used.

    Setting `cancel` raises MediaCancelled within half a second.
    """
    request = Request("probe", limits=limits)
    (head, _), *_ = messages(path, request, isolated, cancel, child)
    fields = {key: value for key, value in head.items() if key not in ("event", "warnings")}
    return MediaInfo(path=os.fspath(path), warnings=tuple(head["warnings"]), **fields)


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
    until: float | None = None,
    square: int | None = None,
) -> DecodedVideo:
    """Reads the frames displayed at `times` (seconds) or at the middles of `num_frames` segments.

    Returns them in order, none twice; 16 frames by default. `size` is the longest side of the
    result: frames are scaled down while they are decoded, never up. `progress(done, total)` is
    called as frames arrive. Setting `cancel` raises MediaCancelled within half a second. With
    `until` (seconds), nothing that is displayed later is decoded (PyAV only; `times` are needed).
    With `square`, frames are resized to squares of this side, as training reads them.
    """
    moments = None if times is None else tuple(float(time) for time in times)
    size = size if square is None else SQUARES_FROM * square
    request = Request(
        "video", num_frames, moments, size, square, backend=backend, limits=limits, until=until
    )
    return collect_frames(path, request, isolated, progress, cancel, child)


def read_image(
    path: PathLike,
    size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    isolated: bool = True,
    cancel: threading.Event | None = None,
    child: Child | None = None,
    page: int | None = None,
    square: int | None = None,
) -> DecodedImage:
    """Reads a still picture: upright, 8 bits, on white, its longest side at most `size`.

    `page` is one of a document, from 0; without it the first is read. With `square`, the picture is
    resized to a square of this side.
    """
    request = Request("image", size=size, square=square, limits=limits, page=page)
    video = collect_frames(path, request, isolated, None, cancel, child)
    return DecodedImage(video.frames[0], video.warnings)


class MediaReader:
    """Reads files with one set of limits and keeps the next reading process ready.

    A process reads one file and is thrown away; starting the next one ahead saves the tenth of a
    second it takes to load. Safe to use from several threads; close it at the end.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._closed = False
        self._ready: Child | None = Child()

    def probe(self, path: PathLike, cancel: threading.Event | None = None) -> MediaInfo:
        with self._child() as child:
            return probe(path, self.limits, True, cancel, child)

    def read_video(
        self,
        path: PathLike,
        num_frames: int | None = None,
        times: Sequence[float] | None = None,
        size: int | None = None,
        backend: str = "auto",
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
        until: float | None = None,
        square: int | None = None,
    ) -> DecodedVideo:
        with self._child() as child:
            how = (self.limits, backend, True, progress, cancel, child, until, square)
            return read_video(path, num_frames, times, size, *how)

    def read_image(
        self,
        path: PathLike,
        size: int | None = None,
        cancel: threading.Event | None = None,
        square: int | None = None,
    ) -> DecodedImage:
        with self._child() as child:
            return read_image(path, size, self.limits, True, cancel, child, square=square)

    def close(self) -> None:
        with self._lock:
            child, self._ready, self._closed = self._ready, None, True
        if child is not None:
            child.close()

    @contextmanager
    def _child(self) -> Iterator[Child]:
        """Yields the process that is ready, or a new one; starts the next one afterwards."""
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
