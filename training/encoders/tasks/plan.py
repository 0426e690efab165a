"""The order of a run over several sets: which one a micro-batch is of, and which samples it has.

A micro-batch is of one set. Sets take turns by their sizes, but none is used less than half as
often as the largest: a smaller one is repeated (StreamFormer). Turns are spread evenly, so sets of
one size take turns one by one, and a step that accumulates as many micro-batches as there are sets
then has one of each.

Everything depends on the seed and the number of samples in a micro-batch over all processes: one
process with 4 samples and two with 2 have the same run.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class MicroBatch:
    """Samples of one set that are computed together."""

    number: int  # in the run
    source: int  # which set
    samples: tuple[int, ...]  # numbers in the set


def repeated_sizes(sizes: Sequence[int]) -> list[int]:
    """Samples of an epoch of each set: all it has, or half of the largest set."""
    least = -(-max(sizes) // 2)
    return [max(size, least) for size in sizes]


def turns(weights: Sequence[int], number: int) -> list[int]:
    """`number` turns in proportion to the weights, each as evenly spread as possible."""
    total, credit = sum(weights), [0] * len(weights)
    order = []
    for _ in range(number):
        credit = [have + weight for have, weight in zip(credit, weights, strict=True)]
        chosen = max(range(len(weights)), key=lambda k: (credit[k], -k))
        credit[chosen] -= total
        order.append(chosen)
    return order


def planned(sizes: Sequence[int], samples_each: int, number: int, seed: int) -> list[MicroBatch]:
    """The micro-batches of a run; a set is seen whole before any of it is seen again."""
    orders = [_Shuffled(size, f"{seed} {source}") for source, size in enumerate(sizes)]
    return [
        MicroBatch(at, source, tuple(orders[source].take(samples_each)))
        for at, source in enumerate(turns(repeated_sizes(sizes), number))
    ]


def in_order(sizes: Sequence[int], samples_each: int) -> list[MicroBatch]:
    """Every sample once, for measuring; the last micro-batch of a set repeats its last sample."""
    found, numbers = [], count()
    for source, size in enumerate(sizes):
        for first in range(0, size, samples_each):
            inside = tuple(min(k, size - 1) for k in range(first, first + samples_each))
            found.append(MicroBatch(next(numbers), source, inside))
    return found


class _Shuffled:
    """The numbers of a set, shuffled anew for every pass."""

    def __init__(self, size: int, seed: str) -> None:
        self.size, self.seed = size, seed
        self.taken, self.left = 0, list[int]()

    def take(self, number: int) -> list[int]:
        while len(self.left) < number:
            rng = random.Random(f"{self.seed} {self.taken + len(self.left)}")
            self.left += rng.sample(range(self.size), self.size)
        self.taken += number
        taken, self.left = self.left[:number], self.left[number:]
        return taken
