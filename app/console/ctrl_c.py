"""Handles Ctrl-C: the first stops the answer and keeps its text, the second interrupts."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ctrl_c_stops(stop: threading.Event) -> Iterator[None]:
    """Makes the first Ctrl-C set `stop` instead of raising KeyboardInterrupt."""

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
