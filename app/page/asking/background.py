"""Runs a generator in its own thread, so that its consumer can leave at any time.

A model in the middle of a long step cannot be interrupted; a closed tab must not wait for it.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def in_background(
    items: Iterator[Item], stop: threading.Event, heartbeat: float = 0.25
) -> Iterator[Item]:
    """Yields items as they arrive, and repeats the last one every `heartbeat` seconds meanwhile.

    Closing this generator sets `stop` and returns at once; the thread ends when `items` does.
    """
    arrived: queue.SimpleQueue = queue.SimpleQueue()

    def produce() -> None:
        try:
            for item in items:
                arrived.put(item)
        finally:
            arrived.put(_END)

    threading.Thread(target=produce, daemon=True, name="answer").start()
    latest: list[Item] = []
    try:
        while True:
            came = _drain(arrived, heartbeat)
            ended = bool(came) and came[-1] is _END
            latest = [item for item in came if item is not _END][-1:] or latest
            if latest and (len(came) > ended or not ended):  # a new item, or time for a heartbeat
                yield latest[0]
            if ended:
                return
    finally:
        stop.set()


def _drain(arrived: queue.SimpleQueue, timeout: float) -> list:
    """Returns all queued items; waits for the first. A slow consumer needs only the newest."""
    try:
        came = [arrived.get(timeout=timeout)]
    except queue.Empty:
        return []
    while not arrived.empty():
        came.append(arrived.get())
    return came


class Line:
    """The answers that wait for the model, in order; `at_once` of them run."""

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once
        self._places: list[object] = []  # those that run come first
        self._lasted: deque[float] = deque(maxlen=8)  # seconds
        self._moved = threading.Condition()

    def join(self) -> object:
        """Returns a place at the end of the line."""
        place = object()
        with self._moved:
            self._places.append(place)
        return place

    def ahead(self, place: object, timeout: float = 0.0) -> int:
        """Returns how many answers have to end before this one begins, 0 if it may.

        Waits until that changes, at most `timeout` seconds.
        """
        with self._moved:
            if (ahead := self._ahead(place)) and timeout:
                self._moved.wait_for(lambda: self._ahead(place) != ahead, timeout)
            return self._ahead(place)

    def seconds(self, ahead: int) -> float | None:
        """Estimates how long that takes, from the last answers; None before the first has ended."""
        with self._moved:
            lasted = list(self._lasted)
        return ahead * sum(lasted) / len(lasted) / self._at_once if lasted else None

    def leave(self, place: object, lasted: float | None = None) -> None:
        """Gives the place up; `lasted` are the seconds of an answer that has ended."""
        with self._moved:
            self._places.remove(place)
            if lasted is not None:
                self._lasted.append(lasted)
            self._moved.notify_all()

    def _ahead(self, place: object) -> int:
        return max(self._places.index(place) + 1 - self._at_once, 0)


def in_line(
    items: Iterator[Item],
    line: Line,
    waiting: Callable[[int, float | None], Item],
    stop: threading.Event,
) -> Iterator[Item]:
    """Yields `waiting(answers ahead, seconds)` until it is its turn, then the items.

    Ends if stopped while waiting.
    """
    place, lasted, shown = line.join(), None, 0
    try:
        while ahead := line.ahead(place):
            if ahead != shown:
                shown = ahead
                yield waiting(ahead, line.seconds(ahead))
            if stop.is_set():
                return
            line.ahead(place, 0.1)
        started = time.monotonic()
        yield from items
        lasted = time.monotonic() - started
    finally:
        line.leave(place, lasted)
