"""Intervals where all clusters agree: 0 of 9 right proves neither 0 % nor that errors are zero.

A bootstrap only repeats what it has seen, so its interval is a point there. Wilson's score interval
is not: 0 of 9 gives 0 to 30 %. Its number of observations is that of the clusters, because the
questions about one video may all be right or wrong for the same reason.
"""

import enum
import math

import numpy as np
from numpy.typing import NDArray

from data.wilson import wilson


class Range(enum.Enum):
    """The values that a unit can have."""

    SCORE = (0.0, 1.0)
    DIFFERENCE = (-1.0, 1.0)

    @property
    def low(self) -> float:
        return self.value[0]

    @property
    def high(self) -> float:
        return self.value[1]


def margins(
    sums: NDArray[np.float64], counts: NDArray[np.float64], possible: Range
) -> tuple[float, float]:
    """Returns how far the value may lie below and above, because strata without variation may vary.

    `sums` and `counts` are [G, K]. Both are 0 if each stratum varies between clusters. Differences
    count only where one run is better by everything in all clusters: two runs with equal answers
    are equal.
    """
    below = above = 0.0
    K = sums.shape[1]
    span = possible.high - possible.low
    for total, n in zip(sums.T, counts.T, strict=True):
        mean = float(total.sum() / n.sum())
        at_an_end = mean in (possible.low, possible.high)
        if not np.allclose(total, mean * n, rtol=0, atol=1e-9):
            continue
        if possible is Range.DIFFERENCE and not at_an_end:
            continue
        low, high = wilson((mean - possible.low) / span * (n > 0).sum(), int((n > 0).sum()))
        low, high = possible.low + low * span, possible.low + high * span
        below += (max(0.0, mean - low) / K) ** 2
        above += (max(0.0, high - mean) / K) ** 2
    return math.sqrt(below), math.sqrt(above)
