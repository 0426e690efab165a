"""Medians of tasks that run in alternation, so that a slowing machine slows all of them equally."""

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

RECORD = "REVISIT_TIMINGS"  # a file that gets a line of JSON with each group of medians


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
    found = {
        name: Timing(*(statistics.median(column) for column in zip(*took, strict=True)))
        for name, took in rounds.items()
    }
    if RECORD in os.environ:
        with Path(os.environ[RECORD]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
    return found
