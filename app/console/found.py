"""What a film has of what was looked for."""

from dataclasses import dataclass
from pathlib import Path

from vlm.heads.film import FilmScores
from vlm.heads.segments import ScoredSegment


@dataclass(frozen=True)
class Found:
    """One film with its scores of one text."""

    name: str
    path: Path
    film: FilmScores
    segments: tuple[ScoredSegment, ...]  # the best first

    @property
    def best(self) -> tuple[float, float]:
        """The moment with the highest score: seconds and score."""
        k = int(self.film.scores[:, 0].argmax())
        return self.film.times[k], float(self.film.scores[k, 0])
