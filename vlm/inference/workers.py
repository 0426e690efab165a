"""Keeps two threads that compute in turn from slowing each other down.

torch's OpenMP on Linux (libgomp) gives each thread that computes workers of its own, and keeps them
for its next operation. While all threads together have more than there are cores, no worker spins
between two operations: each is put to sleep and woken, which can take as long as the operation. So
a thread that lets another compute gives its workers back; it gets new ones when it computes again.
`python -m benchmarks engine` alternates a thread of llama.cpp with the main one.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

SOFT = 1  # omp_pause_soft of OpenMP 5.0: what threads keep in their variables stays


def release_workers() -> None:
    """Gives back the workers of the calling thread, if torch computes with libgomp."""
    pause = _pause()
    if pause is not None:
        pause(SOFT)


@cache
def _pause() -> Callable[[int], int] | None:
    """Returns libgomp's omp_pause_resource_all; None if torch brings another OpenMP."""
    for path in (Path(torch.__file__).parent / "lib").glob("libgomp*.so*"):
        try:
            return ctypes.CDLL(str(path)).omp_pause_resource_all
        except (OSError, AttributeError):
            continue
    return None
