"""Means with clustered standard errors and bootstrap intervals, in the units of the values.

Questions about one video are not independent, so videos (or documents) are the clusters: the
standard error is the clustered one of arXiv 2411.00640 (eq. 4), the interval a percentile bootstrap
over clusters with a fixed seed. A mean over strata (such as the mean of task means) differs in its
weights, and its bootstrap draws weights (Rubin 1981) instead of clusters, so that no stratum is
ever left out. Where all clusters agree a bootstrap sees no variation: there the interval is
Wilson's (`evaluation.reports.agreement`). Neither measures how well the questions represent a
skill.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.reports.agreement import Range, margins

RESAMPLES = 10_000
SEED = 20250101
CELLS_AT_ONCE = 2_000_000  # numbers drawn at a time, to limit memory
DIGITS = 10  # decimals kept: more than are meaningful, fewer than rounding errors reach


class Unit(NamedTuple):
    """One observation, usually a question."""

    group: str  # its cluster
    value: float  # 0 to 1, or the difference of two such values
    stratum: str = ""  # all strata have equal weight


@dataclass(frozen=True)
class Estimate:
    """A mean with its uncertainty; None where there are too few units."""

    value: float | None
    n: int
    clusters: int
    standard_error: float | None  # clustered; needs two clusters
    interval: tuple[float, float] | None  # 95 %

    def scaled(self, factor: float) -> "Estimate":
        """Converts value, error and interval to other units, such as percent."""

        def times(number: float) -> float:
            return round(number * factor, DIGITS)

        return Estimate(
            None if self.value is None else times(self.value),
            self.n,
            self.clusters,
            None if self.standard_error is None else times(self.standard_error),
            None if self.interval is None else (times(self.interval[0]), times(self.interval[1])),
        )


def estimate(
    units: Sequence[Unit],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    possible: Range = Range.SCORE,
) -> Estimate:
    """Estimates the mean of the strata's means, which is the plain mean for a single stratum.

    `possible` is the range of the values. Independent of the order of the units.
    """
    if not units:
        return Estimate(None, 0, 0, None, None)
    sums, counts, squares = _by_cluster(units)  # [G, K]
    G = len(sums)
    value = float((sums.sum(0) / counts.sum(0)).mean())
    if G < 2:
        return Estimate(value, len(units), G, None, None)
    low, high = _interval(sums, counts, resamples, seed)
    below, above = margins(sums, counts, possible)
    if below or above:  # independent margins add like errors (Zou and Donner 2008)
        low = max(possible.low, value - math.hypot(value - low, below))
        high = min(possible.high, value + math.hypot(high - value, above))
    return Estimate(
        round(value, DIGITS),
        len(units),
        G,
        round(_standard_error(sums, counts, squares), DIGITS),
        (round(low, DIGITS), round(high, DIGITS)),
    )


def _standard_error(
    sums: NDArray[np.float64], counts: NDArray[np.float64], squares: NDArray[np.float64]
) -> float:
    """Returns the clustered error, eq. 4: the variance of single questions, whose divisor is n - 1,
    plus the covariances within clusters, over n squared; with the strata's sizes fixed.
    """
    n = counts.sum(0)  # [K]
    means = sums.sum(0) / n
    influence = ((sums - counts * means) / (n * n.size)).sum(1)  # [G]
    own = (squares.sum(0) - n * means**2).clip(0) / (n * n.size) ** 2  # [K]
    correction = own / (n - 1).clip(1)  # own * n / (n - 1) - own
    return math.sqrt(max(0.0, float((influence**2).sum() + correction.sum())))


def _by_cluster(
    units: Sequence[Unit],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns sums, counts and sums of squares [G, K]; clusters and strata are sorted by name."""
    groups = {name: i for i, name in enumerate(sorted({unit.group for unit in units}))}
    strata = {name: i for i, name in enumerate(sorted({unit.stratum for unit in units}))}
    sums, counts, squares = (np.zeros((len(groups), len(strata))) for _ in range(3))
    for unit in sorted(units):
        cell = groups[unit.group], strata[unit.stratum]
        sums[cell] += unit.value
        counts[cell] += 1
        squares[cell] += unit.value**2
    return sums, counts, squares


def _interval(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    """Returns the 2.5th and 97.5th percentiles of the value over resampled clusters."""
    G, K = sums.shape
    generator = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // (G * K))
    values = []
    for start in range(0, resamples, at_once):
        size = (min(at_once, resamples - start), G)
        if K == 1:
            drawn = generator.integers(G, size=size)
            # sums, not BLAS: independent of threads
            values.append((sums[drawn].sum(1) / counts[drawn].sum(1))[:, 0])
        else:
            weights = generator.standard_exponential(size)[:, :, None]  # [R, G, 1]
            values.append(((weights * sums).sum(1) / (weights * counts).sum(1)).mean(1))
    low, high = np.quantile(np.concatenate(values), (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True)
class Paired:
    """The difference of two runs on the questions that both answered."""

    difference: Estimate  # second minus first
    first: float
    second: float
    only_first: int  # questions with a higher score in the first run
    only_second: int  # and in the second

    @property
    def differ(self) -> bool | None:
        """True if the interval excludes zero; None if there are too few clusters."""
        if self.difference.interval is None:
            return None
        low, high = self.difference.interval
        return low > 0 or high < 0


def paired(first: Mapping[str, Unit], second: Mapping[str, Unit]) -> Paired:
    """Compares two runs by units of the same name, so that their common variance cancels.

    Raises ValueError if they have no unit in common.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ValueError("the two runs have no scored question in common.")
    pairs = [(first[name], second[name]) for name in common]
    differences = [Unit(a.group, b.value - a.value, a.stratum) for a, b in pairs]
    return Paired(
        estimate(differences, possible=Range.DIFFERENCE),
        _mean([a for a, _ in pairs]),
        _mean([b for _, b in pairs]),
        sum(a.value > b.value for a, b in pairs),
        sum(a.value < b.value for a, b in pairs),
    )


def _mean(units: Sequence[Unit]) -> float:
    sums, counts, _ = _by_cluster(units)
    return round(float((sums.sum(0) / counts.sum(0)).mean()), DIGITS)
