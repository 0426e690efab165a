"""Admits requests: so many run, so many wait in order, the surplus is refused at once."""

import asyncio
import math
import time
from collections import Counter
from contextlib import ExitStack

from app.serve.errors import APIError
from app.serve.limits import ServeLimits


class Lease:
    """The place of an admitted request, and what is cleaned up after it.

    It ends when its last holder drops it: the threads of cancelled answers end a little later than
    their request.
    """

    def __init__(self) -> None:
        self.cleanup = ExitStack()
        self._holders = 1

    def hold(self) -> None:
        self._holders += 1

    def drop(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self.cleanup.close()


class Admission:
    """Used by one event loop."""

    def __init__(self, limits: ServeLimits) -> None:
        self.limits = limits
        self.running = self.waiting = 0
        self.draining = False
        self._free = asyncio.Semaphore(limits.running)
        self._owners: Counter[str] = Counter()
        self._mean_seconds = 2.0  # of a request, for Retry-After

    async def enter(self, owner: str) -> Lease:
        """Waits for a place. Raises APIError with 429 if too many wait, 503 while draining."""
        self._check(owner)
        self.waiting += 1
        self._owners[owner] += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._forget(owner)
            raise
        finally:
            self.waiting -= 1
        self.running += 1
        lease, started = Lease(), time.monotonic()
        lease.cleanup.callback(self._leave, owner, started)
        return lease

    def _check(self, owner: str) -> None:
        if self.draining:
            raise APIError(503, "the server is shutting down.", code="draining", retry_after=30)
        if self._owners[owner] >= self.limits.per_key:
            self._refuse(f"this key has {self.limits.per_key} requests in progress already.")
        if self.waiting >= self.limits.queue and self._free.locked():
            self._refuse(f"{self.waiting} requests are waiting already.")

    def _refuse(self, why: str) -> None:
        rounds = (self.waiting + 1) / self.limits.running
        seconds = min(max(math.ceil(rounds * self._mean_seconds), 1), 60)
        sentence = f"{why} Try again in {seconds} s."
        raise APIError(429, sentence, code="rate_limit_exceeded", retry_after=seconds)

    def _leave(self, owner: str, started: float) -> None:
        self.running -= 1
        self._mean_seconds = 0.9 * self._mean_seconds + 0.1 * (time.monotonic() - started)
        self._forget(owner)
        self._free.release()

    def _forget(self, owner: str) -> None:
        self._owners[owner] -= 1
        if not self._owners[owner]:
            del self._owners[owner]
