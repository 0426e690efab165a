"""Ctrl-C as a wish: the first one asks the answer to stop, so that what was said is kept; the
second one insists.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ctrl_c_stops(stop: threading.Event) -> Iterator[None]:
    """While inside, Ctrl-C sets `stop` instead of raising KeyboardInterrupt."""

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
