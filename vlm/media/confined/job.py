"""One request done: which backend reads this file. The same in a child process and in this one."""

from __future__ import annotations

from collections.abc import Iterator

from vlm.media.confined.limits import MediaError
from vlm.media.confined.request import Check, Message, Request
from vlm.media.source import Source


def perform(source: Source, request: Request, check: Check) -> Iterator[Message]:
    """The messages that answer `request`. Backends are imported only when they are needed."""
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
