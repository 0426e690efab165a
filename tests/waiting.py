"""Waiting in tests, none of which may depend on how fast the machine is.

A wait has a condition and a deadline that only a fault reaches. What must still run when the test
goes on is held at a gate: a long answer ends early on a fast machine.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from vlm.media.confined.child import Child

PATIENCE = 60.0  # seconds; a busy machine is slow, not broken


def until(condition: Callable[[], Any], seconds: float = PATIENCE, what: object = "") -> None:
    """Waits until the condition holds. Fails after so many seconds, showing `what`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s {what}")
        time.sleep(0.01)


class Gate:
    """A point that threads pass freely `free` times, and then wait at until it is open.

    Leaving its `with` block opens it.
    """

    def __init__(self, free: int = 0) -> None:
        self.passed = 0
        self._free = free
        self._reached, self._opened = threading.Event(), threading.Event()

    def enter(self) -> None:
        """Waits here; called by the thread that is held."""
        if self.passed >= self._free:
            self._reached.set()
            assert self._opened.wait(2 * PATIENCE), "nobody opened the gate"
        self.passed += 1

    def reached(self) -> None:
        """Waits until a thread is held."""
        assert self._reached.wait(PATIENCE), "nobody came to the gate"

    def open(self) -> None:
        self._opened.set()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()


def gate_before(patch: pytest.MonkeyPatch, owner: type | object, name: str, free: int = 0) -> Gate:
    """Puts a gate before a function or method."""
    gate, function = Gate(free), getattr(owner, name)

    def held(*args: Any, **options: Any) -> Any:
        gate.enter()
        return function(*args, **options)

    patch.setattr(owner, name, held)
    return gate


class Started:
    """The threads of this process that were started since; others may end meanwhile."""

    def __init__(self) -> None:
        self._before = self._all()

    def count(self) -> int:
        return len(self._all() - self._before)

    def _all(self) -> set[str]:
        return set(os.listdir("/proc/self/task"))


def once_asked(child: Child, act: Callable[[], object]) -> None:
    """Does it a moment after a reading process was sent its request, while we await the answer."""
    receive = child._receive

    def receive_and_act(*given: Any) -> memoryview:
        child._receive = receive  # type: ignore[method-assign]
        threading.Timer(0.1, act).start()
        return receive(*given)

    child._receive = receive_and_act  # type: ignore[method-assign]


def kill_stopped(process: subprocess.Popen, cause: signal.Signals) -> None:
    """Ends a process that SIGSTOP has stopped, which hears most signals only when it goes on."""
    process.send_signal(cause)
    process.send_signal(signal.SIGCONT)
