"""Runs a generator in its own thread, so that its consumer can leave at any time.

A model in the middle of a long step cannot be interrupted; a closed tab must not wait for it.
"""

import queue
import threading
from collections.abc import Iterator
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


def one_at_a_time(
    items: Iterator[Item], turn: threading.Semaphore, waiting: Item, stop: threading.Event
) -> Iterator[Item]:
    """Yields `waiting` until `turn` is free, then the items. Ends if stopped while waiting."""
    if not turn.acquire(blocking=False):
        yield waiting
        while not turn.acquire(timeout=0.1):
            if stop.is_set():
                return
    try:
        yield from items
    finally:
        turn.release()
