"""The limits on reading one file, and the errors that explain why a file cannot be used.

A request may lower these numbers; nothing a user sends can raise them. The defaults fit a laptop.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


class MediaError(ValueError):
    """A file cannot be used. The text is for the user: which file, what is wrong, what to do."""


class MediaCancelled(MediaError):  # noqa: N818  not an error of the file
    """The caller stopped the reading."""


@dataclass(frozen=True)
class Limits:
    """The most one file may cost. Sizes in bytes, times in seconds, pictures in pixels."""

    file_bytes: int = 2 * 2**30  # a film of any size is quick to read; this is what a page takes
    duration: float = 4 * 3600.0
    pixels: int = 50_000_000  # of one picture or frame: 8160 x 6120, or 8K video
    aspect_ratio: float = 200.0  # long side / short side (the number Qwen uses)
    num_frames: int = 512  # frames returned
    frames_walked: int = 100_000  # frames decoded to reach them
    seconds: float = 60.0  # wall-clock time from request to last frame
    memory_bytes: int = 2 * 2**30  # address space of the reading process
    folder: str | None = None  # if set, files must lie inside it after following links

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "folder" and not value > 0:
                raise ValueError(f"limit {field.name} must be positive, got {value}")


DEFAULT_LIMITS = Limits()
