"""Reads frames of films, and keeps those of small films in memory.

A film whose frames all together take at most a megabyte at the encoder's size is decoded once in a
run: a toy set then costs no more than its training. Those of published sets are larger.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.records import MediaFile
from data.samples.decoder import Decoder
from vlm.media.decode import MediaInfo

SMALL, MOST_KEPT = 2**20, 2**28  # bytes of one film, and of all
Frames = NDArray[np.uint8]


class Films:
    """Squares of `size` pixels; raises MediaError for a file that cannot be read."""

    def __init__(self, seconds: float, size: int) -> None:
        """`seconds` is the time limit for one file."""
        self.decoder, self.size = Decoder(seconds), size
        self._infos: dict[Path, MediaInfo] = {}
        self._kept: dict[Path, tuple[Frames, NDArray[np.float64]]] = {}
        self._bytes = 0

    def duration(self, path: Path) -> float:
        """Seconds of a film; its header is read once."""
        return self._info(path).duration or 0.0

    def at(self, path: Path, times: Sequence[float]) -> tuple[Frames, NDArray[np.float64]]:
        """The frames displayed at `times` [T, S, S, 3] and their seconds, in order, none twice."""
        if path not in self._kept and self._small(self._info(path).num_frames):
            self._keep_film(path)
        if path not in self._kept:
            return self._read(path, times)
        frames, seconds = self._kept[path]
        places = np.searchsorted(seconds, np.sort(times) + 1e-6, side="right") - 1
        shown = np.unique(places.clip(min=0))
        return frames[shown], seconds[shown]

    def picture(self, path: Path, num_frames: int) -> Frames:
        """Returns one frame of a sequence of `num_frames` pictures, [S, S, 3]."""
        if path in self._kept:
            return self._kept[path][0][0]
        frames = self.decoder.image(MediaFile("image", path), self.size).frames
        if self._small(num_frames):
            self._keep(path, frames, np.zeros(1))
        return frames[0]

    def _info(self, path: Path) -> MediaInfo:
        if path not in self._infos:
            self._infos[path] = self.decoder.probe(MediaFile("video", path))
        return self._infos[path]

    def _small(self, num_frames: int) -> bool:
        return num_frames * 3 * self.size**2 <= SMALL

    def _keep_film(self, path: Path) -> None:
        """Keeps all frames, unless they are not evenly spaced, so that one may be missing."""
        info = self._infos[path]
        if info.fps <= 0:
            return
        frames, seconds = self._read(path, [(k + 0.5) / info.fps for k in range(info.num_frames)])
        if len(frames) == info.num_frames:
            self._keep(path, frames, seconds)

    def _keep(self, path: Path, frames: Frames, seconds: NDArray[np.float64]) -> None:
        if self._bytes + frames.nbytes <= MOST_KEPT:
            self._bytes += frames.nbytes
            self._kept[path] = frames, seconds

    def _read(self, path: Path, times: Sequence[float]) -> tuple[Frames, NDArray[np.float64]]:
        video = self.decoder.video_at(MediaFile("video", path), times, self.size)
        return video.frames, np.asarray(video.times)
