"""Shows progress on one terminal line that disappears when the answer starts."""

from types import TracebackType
from typing import TextIO

from app.chat import ChatView
from app.sanitize import for_terminal


class ProgressLine:
    """Overwrites the line on a terminal; in a file or pipe, writes each phase once."""

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream, self._quiet, self._live = stream, quiet, stream.isatty()
        self._shown = self._cost = ""

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, view: ChatView) -> None:
        """Shows the phase of a view, and its cost once known."""
        if view.cost and view.cost != self._cost:
            self._cost = view.cost
            self.say(view.cost)
        self.phase(view.phase)

    def phase(self, phase: str) -> None:
        """Shows what is being done, and after a colon how much of it."""
        words = for_terminal(phase)
        if not self._live:
            words = words.partition(":")[0]
        if self._quiet or not words or words == self._shown:
            return
        self._stream.write(f"\r\x1b[K\x1b[2m{words} ...\x1b[0m" if self._live else f"{words} ...\n")
        self._stream.flush()
        self._shown = words

    def say(self, sentence: str) -> None:
        """Prints a permanent line."""
        if not self._quiet:
            self.clear()
            self._stream.write(for_terminal(sentence) + "\n")
            self._stream.flush()

    def clear(self) -> None:
        """Erases the line."""
        if self._live and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = ""
