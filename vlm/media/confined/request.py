"""What is asked of a reader and what it answers: the few messages every backend speaks.

A backend is a generator of `Message`s, so it is the same code whether it runs in this process or
in a child that sends them over a socket:

    {"event": "info", ...}                      what the file is: the fields of MediaInfo
    {"event": "start", "total": T, "turns": k, "mirror": b, "duration": s, "backend": name}
    {"event": "frame", "time": s, "width": w, "height": h, "stride": n}    + rgb24 rows
    {"event": "end", "damaged": [...], "warnings": [...]}
    {"event": "error", "text": "..."}           a MediaError, on its way out of the child
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from vlm.media.confined.limits import Limits
from vlm.media.sampling import segment_times

Message = tuple[dict[str, Any], "memoryview | bytes"]
Check = Callable[[], None]  # called often by a backend; raises when it must stop

BACKENDS = ("auto", "pyav", "pillow", "decord")


@dataclass(frozen=True)
class Request:
    """Read one file. `times` in seconds from the first frame, or `num_frames` evenly spread."""

    do: Literal["probe", "video", "image"]
    num_frames: int | None = None
    times: tuple[float, ...] | None = None
    size: int | None = None  # longest side of what comes back; nothing is enlarged
    backend: str = "auto"
    threads: int = 1
    limits: Limits = field(default_factory=Limits)

    def moments(self, duration: float) -> list[float]:
        """The times asked for, in order, each once; 16 if nothing was said."""
        if self.times is not None:
            return sorted(set(self.times))
        return segment_times(duration, self.num_frames or 16)
