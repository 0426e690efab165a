"""How much of a file we are ready to read, and the error that says why we are not.

A request may lower these numbers; nothing a user sends may raise them. The defaults fit a laptop.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


class MediaError(ValueError):
    """A file cannot be used. The text is one sentence for a user: which file, what, what to do."""


class MediaCancelled(MediaError):  # noqa: N818  no fault of anybody
    """Reading was stopped by whoever asked for it."""


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Sizes in bytes, times in seconds, pictures in pixels."""

    file_bytes: int = 500 * 2**20
    duration: float = 4 * 3600.0
    pixels: int = 50_000_000  # of one picture or frame: 8160 x 6120, or 8K video
    aspect_ratio: float = 200.0  # long side / short side (the number Qwen uses)
    num_frames: int = 512  # frames handed back
    frames_walked: int = 100_000  # frames decoded on the way to them
    seconds: float = 60.0  # from request to last frame, on the clock
    memory_bytes: int = 2 * 2**30  # of the process that decodes
    folder: str | None = None  # if given, files must lie inside, links followed

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "folder" and not value > 0:
                raise ValueError(f"limit {field.name} must be above zero, got {value}")


DEFAULT_LIMITS = Limits()
