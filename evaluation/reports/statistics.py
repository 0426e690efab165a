"""A mean with its error: clustered by video or document, and an interval, in the same units.

Questions about one video are not independent, so whole videos are the clusters: the standard error
is the clustered one of arXiv 2411.00640 (eq. 4), the interval comes from drawing clusters with
replacement (percentiles, a fixed seed). A mean over strata (say, the mean of the tasks' means) is
the same with other weights. Neither knows anything about how well the questions stand for a skill.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
SEED = 20250101
CELLS_AT_ONCE = 2_000_000  # numbers drawn in one go, for memory
DIGITS = 10  # kept of a result: more than means something, fewer than any rounding reaches


class Unit(NamedTuple):
    """One thing that counts once: usually a question."""

    group: str  # its cluster
    value: float  # 0 to 1, or the difference of two such
    stratum: str = ""  # its mean counts as much as every other stratum's


@dataclass(frozen=True)
class Estimate:
    """A mean and how sure it is; None where there is too little to say."""

    value: float | None
    n: int
    clusters: int
    standard_error: float | None  # clustered; needs two clusters
    interval: tuple[float, float] | None  # 95 %

    def scaled(self, factor: float) -> "Estimate":
        """The same in other units, say percent: all numbers together."""

        def times(number: float) -> float:
            return round(number * factor, DIGITS)

        return Estimate(
            None if self.value is None else times(self.value),
            self.n,
            self.clusters,
            None if self.standard_error is None else times(self.standard_error),
            None if self.interval is None else (times(self.interval[0]), times(self.interval[1])),
        )


def estimate(units: Sequence[Unit], resamples: int = RESAMPLES, seed: int = SEED) -> Estimate:
    """The mean of the strata's means; of one stratum that is the mean.

    The order of the units does not matter.
    """
    if not units:
        return Estimate(None, 0, 0, None, None)
    sums, counts = _by_cluster(units)  # [G, K]
    G = len(sums)
    means = sums.sum(0) / counts.sum(0)  # [K]
    value = float(means.mean())
    if G < 2:
        return Estimate(value, len(units), G, None, None)
    # What each cluster pulls the value by, had the strata their sizes anyway.
    pulls = ((sums - counts * means) / (counts.sum(0) * means.size)).sum(1)  # [G]
    error = math.sqrt(float((pulls**2).sum()))
    return Estimate(
        round(value, DIGITS),
        len(units),
        G,
        round(error, DIGITS),
        _interval(sums, counts, resamples, seed),
    )


def _by_cluster(units: Sequence[Unit]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and counts [G, K], clusters and strata in the order of their names."""
    groups = {name: i for i, name in enumerate(sorted({unit.group for unit in units}))}
    strata = {name: i for i, name in enumerate(sorted({unit.stratum for unit in units}))}
    sums = np.zeros((len(groups), len(strata)))
    counts = np.zeros((len(groups), len(strata)))
    for unit in sorted(units):
        place = groups[unit.group], strata[unit.stratum]
        sums[place] += unit.value
        counts[place] += 1
    return sums, counts


def _interval(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of the value over drawn clusters."""
    G, K = sums.shape
    generator = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // (G * K))
    values = []
    for start in range(0, resamples, at_once):
        drawn = generator.integers(G, size=(min(at_once, resamples - start), G))
        total = counts[drawn].sum(1)  # [R, K]; sums, not products: no BLAS, the same on all threads
        with np.errstate(invalid="ignore"):
            means = sums[drawn].sum(1) / total
        # A stratum nobody was drawn from is left out of that draw.
        values.append(np.nanmean(means, axis=1) if K > 1 else means[:, 0])
    low, high = np.quantile(np.concatenate(values), (0.025, 0.975))
    return round(float(low), DIGITS), round(float(high), DIGITS)


@dataclass(frozen=True)
class Paired:
    """What two runs differ by on the questions that both answered."""

    difference: Estimate  # second minus first
    first: float
    second: float
    only_first: int  # questions that only the first run got better
    only_second: int

    @property
    def differ(self) -> bool | None:
        """Does the interval leave zero out? None: too few clusters to say."""
        if self.difference.interval is None:
            return None
        low, high = self.difference.interval
        return low > 0 or high < 0


def paired(first: Mapping[str, Unit], second: Mapping[str, Unit]) -> Paired:
    """Compares unit by unit, by name: what is common to both runs cancels out.

    ValueError if they have no unit in common.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ValueError("the two runs have no scored question in common.")
    pairs = [(first[name], second[name]) for name in common]
    differences = [Unit(a.group, b.value - a.value, a.stratum) for a, b in pairs]
    return Paired(
        estimate(differences),
        _mean([a for a, _ in pairs]),
        _mean([b for _, b in pairs]),
        sum(a.value > b.value for a, b in pairs),
        sum(a.value < b.value for a, b in pairs),
    )


def _mean(units: Sequence[Unit]) -> float:
    sums, counts = _by_cluster(units)
    return round(float((sums.sum(0) / counts.sum(0)).mean()), DIGITS)
