"""The progress line of a run: samples done, samples per second, time left.

A run of several benchmarks has one line: it counts the samples of all, and names the one at hand.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

WIDTH = 24
EVERY = 10.0  # seconds between two lines if the output is not a terminal


class Bar:
    """Redraws one line; in a file or pipe it prints a new line now and then."""

    def __init__(
        self,
        label: str,
        total: int,
        done: int = 0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        planned: Mapping[str, int] | None = None,
    ) -> None:
        """`planned` are the samples of each benchmark to come; `total` counts the others."""
        self._planned = dict(planned or {})
        self._benchmarks, self._entered = len(self._planned), 0
        self.label, self.total, self.done, self.failed = label, total, done, 0
        self.total += sum(self._planned.values())
        self._initial, self._stream, self._clock = done, stream or sys.stderr, clock
        self._started = self._drawn = clock()
        self._live = self._stream.isatty()
        self._draw()

    def enter(self, benchmark: str, total: int, done: int) -> None:
        """Goes on to a benchmark, `done` of whose `total` samples are in the log already."""
        self._entered += 1
        self.label = f"{benchmark} ({self._entered} of {self._benchmarks})"
        self.total += total - self._planned.pop(benchmark, 0)
        self.done += done
        self._initial += done
        self._draw()

    def leave(self, benchmark: str) -> None:
        """Gives up a benchmark that cannot start."""
        self._entered += benchmark in self._planned
        self.total -= self._planned.pop(benchmark, 0)

    def add(self, failed: bool = False) -> None:
        """Counts one more sample."""
        self.done += 1
        self.failed += failed
        now = self._clock()
        if self._live or now - self._drawn >= EVERY:
            self._drawn = now
            self._draw()

    def close(self) -> None:
        """Draws the final state and ends the line."""
        self._draw()
        if self._live:
            self._stream.write("\n")

    def text(self) -> str:
        """Returns the current line."""
        share = self.done / self.total if self.total else 1.0
        filled = int(WIDTH * share)
        words = (
            f"{self.label} [{'#' * filled}{'.' * (WIDTH - filled)}] {self.done:,}/{self.total:,}"
        )
        seconds, new = self._clock() - self._started, self.done - self._initial
        if new and seconds > 0:
            rate = new / seconds
            pace = f"{rate:.2f} samples/s" if rate >= 0.1 else f"{1 / rate:.0f} s/sample"
            words += f", {pace}, {duration((self.total - self.done) / rate)} left"
        return words + (f", {self.failed:,} failed" if self.failed else "")

    def _draw(self) -> None:
        self._stream.write(f"\r\x1b[K{self.text()}" if self._live else f"{self.text()}\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Formats seconds: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
