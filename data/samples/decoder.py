"""Media read for training, in one process for many files that can be killed.

A film that makes a decoder hang, crash or grow would take a loader's worker with it, and a worker
that dies ends the run. So each loader worker has one `Decoder`: a small process without torch that
reads file after file and returns squares for the tower. A file that takes too long or crashes it
costs that process, and the next file gets a new one. (`vlm.media` starts a process for every file,
which is right for uploads; here it would cost more than the decoding. A file that takes a process
over could forge the frames of those after it: train on files you trust to be films.)
"""

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.records import MediaFile
from vlm.media.collect import collect_frames
from vlm.media.confined.child import Child
from vlm.media.confined.limits import DEFAULT_LIMITS, Limits
from vlm.media.confined.protocol import Request
from vlm.media.decode import SQUARES_FROM, MediaInfo, probe
from vlm.media.source import PathLike


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels of one file and, for a video, the times of its frames in seconds."""

    frames: NDArray[np.uint8]  # [T, H, W, 3]
    times: tuple[float, ...]
    damaged: tuple[str, ...] = ()  # what could not be read, as sentences


class Decoder:
    """Reads media, each within a number of seconds. The process starts with the first file.

    A fork or a copy of a Decoder starts a process of its own.
    """

    def __init__(self, seconds: float = 30.0, limits: Limits = DEFAULT_LIMITS) -> None:
        self.seconds = seconds  # for one file, unless a call sets its own
        self.limits = limits
        self._child: Child | None = None

    def image(
        self, media: MediaFile, square: int | None = None, seconds: float | None = None
    ) -> Decoded:
        """The pixels of a picture, [1, H, W, 3]; resized to a square of this side if given."""
        request = Request("image", square=square, limits=self._limits(seconds))
        picture = collect_frames(_path(media), request, child=self._running())
        return Decoded(picture.frames, ())

    def video(
        self, media: MediaFile, num_frames: int, square: int, seconds: float | None = None
    ) -> Decoded:
        """Returns the middles of `num_frames` segments of a video as squares, [T, S, S, 3]."""
        request = Request(
            "video",
            num_frames,
            size=SQUARES_FROM * square,
            square=square,
            limits=self._limits(seconds),
        )
        video = collect_frames(_path(media), request, child=self._running())
        return Decoded(video.frames, tuple(video.times.tolist()), video.damaged)

    def video_at(
        self, media: MediaFile, times: Sequence[float], square: int, seconds: float | None = None
    ) -> Decoded:
        """Returns the frames displayed at `times` (seconds) as squares, in order and none twice."""
        request = Request(
            "video", times=tuple(times), size=SQUARES_FROM * square, square=square,
            limits=self._limits(seconds),
        )  # fmt: skip
        video = collect_frames(_path(media), request, child=self._running())
        return Decoded(video.frames, tuple(video.times.tolist()), video.damaged)

    def probe(self, media: MediaFile) -> MediaInfo:
        """What the header of a file contains."""
        return probe(_path(media), self._limits(None), child=self._running())

    def close(self) -> None:
        """Ends the process at once, even in the middle of a file."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be half gone
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None}

    def _limits(self, seconds: float | None) -> Limits:
        return dataclasses.replace(
            self.limits, seconds=self.seconds if seconds is None else seconds
        )

    def _running(self) -> Child:
        if self._child is None or not self._child.usable:
            self.close()
            self._child = Child(reuse=True)
        return self._child


def _path(media: MediaFile) -> PathLike:
    return media.archive_member or os.path.abspath(media.path)
