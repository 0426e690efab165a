"""What a file is, without reading all of it: picture or video, how large, how long."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from vlm.media.child import Child
from vlm.media.limits import DEFAULT_LIMITS, Limits
from vlm.media.request import Request
from vlm.media.service import messages


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
