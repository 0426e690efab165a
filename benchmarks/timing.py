"""Medians of things done in turn, so that a machine that slows down slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Took(NamedTuple):
    """Seconds on the clock, and of processor time: the fairer one where others work as well."""

    clock: float
    processor: float


def medians(tasks: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Took]:
    """What each task took, the median of `repeats` rounds after one to warm up."""
    rounds: dict[str, list[Took]] = {name: [] for name in tasks}
    for repeat in range(repeats + 1):
        for name, task in tasks.items():
            clock, processor = time.perf_counter(), time.process_time()
            task()
            took = Took(time.perf_counter() - clock, time.process_time() - processor)
            if repeat > 0:
                rounds[name].append(took)
    return {
        name: Took(*(statistics.median(column) for column in zip(*took, strict=True)))
        for name, took in rounds.items()
    }
