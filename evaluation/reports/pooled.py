"""Error bars of a metric that is not a mean over questions, such as mAP: a bootstrap over videos.

Each resample weighs the videos by how often they were drawn and computes the metric again. Where
resamples do not vary (0 or 100 % in every video) the interval is Wilson's, as for a mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.wilson import wilson
from evaluation.reports.statistics import DIGITS, SEED, Estimate

RESAMPLES = 1000  # fewer than of a mean: each computes the metric again
LEAST, WORK = 100, 10**9  # resamples of a large set, so that all of them look at so many numbers


@dataclass(frozen=True, eq=False)
class Pooled:
    """A metric of a whole set, as a function of how often each of its videos counts."""

    groups: Sequence[str]  # videos
    value: Callable[[NDArray[np.int64]], float]  # weights [G] -> 0 to 1
    n: int  # questions
    work: int = 1  # numbers that one value looks at

    @property
    def resamples(self) -> int:
        return max(LEAST, min(RESAMPLES, WORK // max(self.work, 1)))


def estimate_pooled(metric: Pooled, resamples: int | None = None, seed: int = SEED) -> Estimate:
    """Returns the value, its standard error and its 95 % interval; no error for a single video."""
    resamples = resamples or metric.resamples
    G = len(metric.groups)
    if not G:
        return Estimate(None, 0, 0, None, None)
    value = metric.value(np.ones(G, dtype=np.int64))
    if G < 2:
        return Estimate(round(value, DIGITS), metric.n, G, None, None)
    values = np.array([metric.value(weights) for weights in draws(G, resamples, seed)])
    low, high = np.quantile(values, (0.025, 0.975))
    if np.ptp(values) == 0:
        low, high = wilson(value * G, G)
    interval = (round(float(low), DIGITS), round(float(high), DIGITS))
    error = round(float(values.std(ddof=1)), DIGITS)
    return Estimate(round(value, DIGITS), metric.n, G, error, interval)


def difference_pooled(
    first: Pooled, second: Pooled, resamples: int | None = None, seed: int = SEED
) -> Estimate:
    """Returns second minus first on the same videos, which every resample draws for both."""
    resamples = resamples or min(first.resamples, second.resamples)
    assert list(first.groups) == list(second.groups), "two metrics are compared on the same videos"
    G = len(first.groups)
    ones = np.ones(G, dtype=np.int64)
    value = second.value(ones) - first.value(ones)
    if G < 2:
        return Estimate(round(value, DIGITS), first.n, G, None, None)
    changes = np.array([second.value(w) - first.value(w) for w in draws(G, resamples, seed)])
    low, high = np.quantile(changes, (0.025, 0.975))
    interval = (round(float(low), DIGITS), round(float(high), DIGITS))
    return Estimate(
        round(value, DIGITS), first.n, G, round(float(changes.std(ddof=1)), DIGITS), interval
    )


def draws(num_groups: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Returns how often each resample draws each group, [R, G]."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(num_groups, np.full(num_groups, 1 / num_groups), resamples)
