"""Shuffles that are the same on every machine and with every library version.

A permutation is the sort order of numbers from SplitMix64 (Steele et al. 2014), a counter with a
good mixer, so a run resumed after an upgrade still reads its records in the same order.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray


def numbers(count: int, *seed: object) -> NDArray[np.uint64]:
    """Returns `count` uniform 64-bit numbers determined by the seed."""
    name = " ".join(map(str, seed)).encode()
    start = int.from_bytes(hashlib.sha256(name).digest()[:8], "little")
    with np.errstate(over="ignore"):
        z = np.uint64(start) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def permutation(count: int, *seed: object) -> NDArray[np.int64]:
    """Returns 0 to count - 1 in an order determined by the seed."""
    return np.argsort(numbers(count, *seed), kind="stable").astype(np.int64)
