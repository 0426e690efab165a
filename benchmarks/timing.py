"""Medians of things done in turn, so that a machine that slows down slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def medians(tasks: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds of each task, the median of `repeats` rounds after one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for repeat in range(repeats + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if repeat > 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}
