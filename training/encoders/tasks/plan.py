"""The order of a run over several sets: which one a micro-batch is of, and which samples it has.

A micro-batch is of one set, and every step has at least one of every set, so that no step misses a
task (StreamFormer accumulates one of each). Micro-batches beyond those are shared by size, but none
is used less than half as often as the largest: a smaller set is repeated. A step of as many
micro-batches as sets uses all sets alike.

Everything depends on the seed, the micro-batches of a step and their samples over all processes:
one process with 4 samples and two with 2 have the same run.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from math import ceil


@dataclass(frozen=True)
class MicroBatch:
    """Samples of one set that are computed together."""

    number: int  # in the run
    source: int  # which set
    samples: tuple[int, ...]  # numbers in the set


def shares(sizes: Sequence[int], per_step: int) -> list[Fraction]:
    """Returns the mean number of micro-batches of each set in a step of `per_step`: at least 1.

    Those above 1 are in proportion to the sizes, none of which counts less than half of the
    largest.
    """
    least = -(-max(sizes) // 2)
    above = {k: max(size, least) for k, size in enumerate(sizes)}
    found = [Fraction(1)] * len(sizes)
    while True:
        left, total = per_step - len(sizes) + len(above), sum(above.values())
        small = [k for k, size in above.items() if size * left < total]
        if not small:
            break
        for k in small:
            del above[k]
    for k, size in above.items():
        found[k] = Fraction(size * left, total)
    return found


def epoch_sizes(sizes: Sequence[int], per_step: int) -> list[int]:
    """The samples of each set in an epoch: the shortest run in proportion that sees all of all."""
    found = shares(sizes, per_step)
    longest = max(size / share for size, share in zip(sizes, found, strict=True))
    return [ceil(longest * share) for share in found]


def turns(found: Sequence[Fraction], num_steps: int) -> Iterator[list[int]]:
    """Yields the sets of the micro-batches of each step.

    A step has the whole part of a share, or one more; those are evenly spread over the steps.
    """
    over = {k: share % 1 for k, share in enumerate(found) if share % 1}
    credit, further = dict.fromkeys(over, Fraction(0)), int(sum(over.values()))
    for _ in range(num_steps):
        credit = {k: have + over[k] for k, have in credit.items()}
        more = sorted(credit, key=lambda k: (-credit[k], k))[:further]
        for k in more:
            credit[k] -= 1
        yield [k for k, share in enumerate(found) for _ in range(int(share) + (k in more))]


def planned(
    sizes: Sequence[int], samples_each: int, per_step: int, num_steps: int, seed: int
) -> list[MicroBatch]:
    """Returns the micro-batches of a run; a set is seen whole before any of it is seen again."""
    orders = [_Shuffled(size, f"{seed} {source}") for source, size in enumerate(sizes)]
    order = chain.from_iterable(turns(shares(sizes, per_step), num_steps))
    return [
        MicroBatch(at, source, tuple(orders[source].take(samples_each)))
        for at, source in enumerate(order)
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
