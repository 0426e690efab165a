"""Runs a generator in a thread of its own, so that whoever waits for it can leave at any moment.

A model in the middle of a long step cannot be interrupted from outside; a page whose tab was
closed must not wait for it.
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
    """Yields the items as they come, and the last one again every `heartbeat` seconds while none
    comes.

    When the consumer closes this generator, `stop` is set and it returns at once; the thread ends
    as soon as `items` does.
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
            if latest and (
                len(came) > ended or not ended
            ):  # something came, or it is time for a heartbeat
                yield latest[0]
            if ended:
                return
    finally:
        stop.set()


def _drain(arrived: queue.SimpleQueue, timeout: float) -> list:
    """What has arrived by now; waits for the first. A slow consumer gets several at once and needs
    only the newest.
    """
    try:
        came = [arrived.get(timeout=timeout)]
    except queue.Empty:
        return []
    while not arrived.empty():
        came.append(arrived.get())
    return came


def one_at_a_time(
    items: Iterator[Item], turn: threading.Lock, waiting: Item, stop: threading.Event
) -> Iterator[Item]:
    """The items once it is our turn; until then `waiting`. Yields nothing more when stopped while
    it waits.
    """
    if not turn.acquire(blocking=False):
        yield waiting
        while not turn.acquire(timeout=0.1):
            if stop.is_set():
                return
    try:
        yield from items
    finally:
        turn.release()
