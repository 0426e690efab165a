"""What a film has of what was looked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlm.heads.film import FilmScores
from vlm.heads.segments import ScoredSegment
from vlm.heads.where import Box


@dataclass(frozen=True)
class Found:
    """One film with its scores of one text."""

    name: str
    path: Path
    film: FilmScores
    segments: tuple[ScoredSegment, ...]  # the best first
    boxes: tuple[Box | None, ...] = ()  # of the segments at their peaks; () if not looked for

    def peak(self, segment: ScoredSegment) -> float:
        """Returns the moment of a segment with the highest score, in seconds."""
        times, scores = np.asarray(self.film.times), self.film.scores[:, 0]
        inside = (segment.start <= times) & (times <= segment.end)
        return float(times[np.where(inside, scores, -1).argmax()])

    @property
    def best(self) -> tuple[float, float]:
        """The moment with the highest score: seconds and score."""
        k = int(self.film.scores[:, 0].argmax())
        return self.film.times[k], float(self.film.scores[k, 0])
