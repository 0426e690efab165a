"""A question about a file, answered in a process of its own or, for trusted files, in this one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

from vlm.media.confined.child import Child
from vlm.media.confined.job import perform
from vlm.media.confined.limits import MediaCancelled, MediaError
from vlm.media.confined.request import BACKENDS, Message, Request
from vlm.media.source import open_source


def messages(
    path: str | os.PathLike[str],
    request: Request,
    isolated: bool = True,
    cancel: threading.Event | None = None,
    child: Child | None = None,
) -> Iterator[Message]:
    """What a backend says about the file at `path`; MediaError says why not.

    `child` is a process started ahead; without it one is started. It is used up.
    """
    try:
        _refuse_impossible(request, isolated)
        with open_source(path, request.limits) as source:
            deadline = time.monotonic() + request.limits.seconds

            def check() -> None:
                if cancel is not None and cancel.is_set():
                    raise MediaCancelled(f"Reading {source.name} was stopped.")
                if time.monotonic() > deadline:
                    raise MediaError(
                        f"{source.name} took longer than {request.limits.seconds:.0f} seconds to "
                        "read; ask for fewer frames, or cut it."
                    )

            check()
            if isolated:
                child = child or Child(source.kind.family)
                yield from child.perform(source, request, check)
            else:
                yield from perform(source, request, check)
    finally:
        if child is not None:
            child.close()


def _refuse_impossible(request: Request, isolated: bool) -> None:
    if request.backend not in BACKENDS:
        raise ValueError(f"unknown backend {request.backend!r}; there are {', '.join(BACKENDS)}")
    if request.backend == "decord" and not isolated:
        raise ValueError("decord can hang and abort, so it only runs isolated: leave isolated=True")
    if request.num_frames is not None and request.times is not None:
        raise ValueError("give num_frames or times, not both")
    asked = len(request.times) if request.times is not None else request.num_frames
    if asked is not None and not 1 <= asked <= request.limits.num_frames:
        raise MediaError(
            f"{asked} frames were asked for; between 1 and {request.limits.num_frames} can be read."
        )
    if request.size is not None and request.size < 1:
        raise ValueError(f"size is a number of pixels, got {request.size}")
