"""A file of a question and what to take of it, or the frames of a video as pictures."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from vlm.inference.settings import Settings
from vlm.inference.visual.live import Stream
from vlm.media.decode import MediaInfo


@dataclass(frozen=True)
class MediaSource:
    """One file. None: as the settings of the question choose.

    `frames` are pictures that together are a video, in place of the file at `path`; `times` are
    their seconds. Of a `stream`, `path` is just the name.
    """

    path: Path
    num_frames: int | None = None
    fps: float | None = None  # frames to take for each second
    start: float | None = None  # seconds
    end: float | None = None
    looks: int | None = None
    max_tiles: int | None = None
    frames: tuple[Path, ...] = ()
    times: tuple[float, ...] = ()
    stream: Stream | None = None  # seen already, in place of the file at `path`
    again: int = 0  # looks at a picture after the others (`VisualEncoder.look_again`)

    def __post_init__(self) -> None:
        name = self.path.name
        if self.num_frames is not None and self.fps is not None:
            raise ValueError(f"{name}: give fps or num_frames, not both.")
        if self.again < 0:
            raise ValueError(f"{name}: again is {self.again}; it must be 0 or more.")
        for field in ("fps", "start", "end"):
            value = getattr(self, field)
            if value is not None and not (0 <= value < math.inf and (value or field == "start")):
                raise ValueError(f"{name}: {field} is {value}; it must be a positive number.")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"{name}: end is {self.end}; it must be greater than start.")
        if len(self.frames) != len(self.times):
            raise ValueError(f"{name} has {len(self.frames)} frames but {len(self.times)} times.")
        if any(b <= a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise ValueError(f"{name}: the times of its frames must increase.")
        if self.frames and not all(0 <= time < math.inf for time in self.times):
            raise ValueError(f"{name}: the times of its frames must be positive numbers.")

    def settings(self, asked: Settings) -> Settings:
        """Returns the settings of the question with what this file asks for instead."""
        return replace(
            asked,
            num_frames=self.num_frames or asked.num_frames,
            looks=self.looks or asked.looks,
            max_tiles=self.max_tiles or asked.max_tiles,
        )

    def section(self, info: MediaInfo) -> tuple[float, float] | None:
        """Returns the seconds to take, or None for the whole video.

        Raises ValueError if the video ends before they begin.
        """
        if info.kind != "video" or (self.start is None and self.end is None):
            return None
        start = self.start or 0.0
        if start >= info.duration:
            raise ValueError(
                f"{self.path.name} lasts {info.duration:.1f} s, so it cannot start at {start:g} s."
            )
        return start, min(self.end or info.duration, info.duration)

    @property
    def content(self) -> tuple[object, ...]:
        """What decides the pixels: the files' content, the frames' times."""
        return (*self.frames, self.times) if self.frames else (self.path,)


def as_source(file: MediaSource | Path | str) -> MediaSource:
    """Returns a file as a source with no wishes of its own."""
    return file if isinstance(file, MediaSource) else MediaSource(Path(file))
