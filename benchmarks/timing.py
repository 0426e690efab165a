"""Medians of tasks that run in alternation, so that a slowing machine slows all of them equally."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """Wall-clock seconds and CPU seconds; the latter are fairer on a shared machine."""

    clock: float
    processor: float


def medians(tasks: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Timing]:
    """Returns the median timing of each task over `repeats` rounds, after one warm-up round."""
    rounds: dict[str, list[Timing]] = {name: [] for name in tasks}
    for repeat in range(repeats + 1):
        for name, task in tasks.items():
            clock, processor = time.perf_counter(), time.process_time()
            task()
            took = Timing(time.perf_counter() - clock, time.process_time() - processor)
            if repeat > 0:
                rounds[name].append(took)
    return {
        name: Timing(*(statistics.median(column) for column in zip(*took, strict=True)))
        for name, took in rounds.items()
    }
