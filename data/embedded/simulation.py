"""The door from samples to the embedded model's simulations: parts of records that are no files.

A record's part that names no file is simulated: its pixels, and outputs of the backbone that stand
in for the real ones (`VideoFeatures.extra`). Without a simulation no sample comes this way.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data.records import Concept


@dataclass(frozen=True)
class Simulated:
    """A picture as the tower gets it."""

    pixels: np.ndarray  # uint8 [S, S, 3]
    extra: dict[str, np.ndarray]  # output of the backbone -> its values for this frame


class Simulation(Protocol):
    """Makes pictures out of parts of records."""

    def simulate(self, part: Concept, size: int) -> Simulated: ...
