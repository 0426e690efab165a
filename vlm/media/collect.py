"""Runs a request on a file and collects its frames in one array.

The file is read in a process of its own or, if it is trusted, in this one; both give the same.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm.media.confined.child import Child
from vlm.media.confined.limits import MediaCancelled, MediaError
from vlm.media.confined.protocol import Message, Request
from vlm.media.readers.dispatch import read
from vlm.media.source import PathLike, display_name, open_source

Progress = Callable[[int, int], None]
THREADS = max(1, min(4, os.cpu_count() or 1))  # of a process for one file


@dataclass(frozen=True)
class DecodedVideo:
    """Frames and their true times. Fewer than requested if the video has fewer."""

    frames: NDArray[np.uint8]  # [T, H, W, 3]
    times: NDArray[np.float64]  # [T] seconds from the first frame
    duration: float  # seconds that can be read
    damaged: tuple[str, ...]  # what is missing or broken, as sentences
    backend: str  # which backend decoded it
    requested: int  # number of different times requested
    warnings: tuple[str, ...] = ()  # what else a user should know
    latest: float | None = None  # seconds, of the latest frame decoded; None if not known

    @property
    def obtained(self) -> int:
        return len(self.frames)


def messages(
    path: PathLike,
    request: Request,
    isolated: bool = True,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> Iterator[Message]:
    """Yields a backend's messages about the file at `path`; raises MediaError if there are none.

    `child` is a process started ahead; without it one is started. Unless it has `reuse`, it is
    closed afterwards.
    """
    try:
        if request.backend == "decord" and not isolated:
            raise ValueError(
                "decord can hang and abort, so it only runs isolated: leave isolated=True"
            )
        deadline = time.monotonic() + request.limits.seconds

        def check() -> None:
            if cancel is not None and cancel.is_set():
                raise MediaCancelled(f"Reading {display_name(path)} was stopped.")
            if time.monotonic() > deadline:
                raise MediaError(
                    f"{display_name(path)} took longer than {request.limits.seconds:.0f} seconds "
                    "to read; request fewer frames, or cut it."
                )

        with open_source(path, request.limits) as source:
            check()
            if not isolated:
                yield from read(source, request, check)
                return
            threads = request.threads if child is not None and child.reuse else THREADS
            request = dataclasses.replace(request, threads=threads, isolated=True)
            child = child or Child(source.kind.family)
            yield from child.perform(source, request, check)
    finally:
        if child is not None and not child.reuse:
            child.close()


def collect_frames(
    path: PathLike,
    request: Request,
    isolated: bool = True,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> DecodedVideo:
    """Puts a backend's frames into one array, upright. Trusts nothing that a child sends."""
    start: dict = {}
    frames: NDArray[np.uint8] | None = None
    times: list[float] = []
    for head, payload in messages(path, request, isolated, cancel, child):
        if head["event"] == "start":
            start, frames, times = head, None, []  # a second start: from scratch, with more care
            if progress is not None:
                progress(0, start["total"])
        elif head["event"] == "frame":
            picture = _picture(head, payload, path)
            picture = _upright(picture, start["turns"], start["mirror"])
            if frames is None:
                frames = _allocate(start["total"], picture, request, path)
            if picture.shape != frames.shape[1:] or len(times) == len(frames):
                raise _invalid(path)
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
                requested=start["total"],
                warnings=tuple(head["warnings"]),
                latest=head.get("latest"),
            )
    raise AssertionError("a backend ends with an end")


def _picture(head: dict, payload: memoryview | bytes, path: PathLike) -> NDArray[np.uint8]:
    """rgb24 rows, each `stride` bytes long -> [H, W, 3]"""
    width, height, stride = head["width"], head["height"], head["stride"]
    rows = np.frombuffer(payload, np.uint8)
    if min(width, height) < 1 or stride < 3 * width or rows.size < stride * height:
        raise _invalid(path)
    rows = rows[: stride * height].reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3)


def _allocate(
    total: int, picture: NDArray[np.uint8], request: Request, path: PathLike
) -> NDArray[np.uint8]:
    """[T, H, W, 3] for all frames, if they may take that much memory."""
    needed = total * picture.nbytes
    if total > request.limits.num_frames or needed > request.limits.memory_bytes:
        raise MediaError(
            f"{total} frames of {display_name(path)} at full size would take "
            f"{needed / 2**30:.1f} GB; request fewer or smaller ones."
        )
    return np.empty((total, *picture.shape), np.uint8)


def _upright(frame: NDArray[np.uint8], turns: int, mirror: bool) -> NDArray[np.uint8]:
    """frame [H, W, 3] as stored -> as displayed (a view)."""
    return np.rot90(frame[:, ::-1] if mirror else frame, turns)


def _invalid(path: PathLike) -> MediaError:
    return MediaError(f"The process reading {display_name(path)} sent an invalid answer.")
