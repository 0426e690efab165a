"""One line of a terminal that says what is going on, and is gone when the answer begins."""

from types import TracebackType
from typing import TextIO

from app.chat import ChatView
from app.sanitize import for_terminal


class ProgressLine:
    """On a terminal the line is written over; in a file or pipe each new phase is a line of its
    own, without the counting.
    """

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
        """The phase of this view; its cost once, as soon as it is known."""
        if view.cost and view.cost != self._cost:
            self._cost = view.cost
            self.say(view.cost)
        words = for_terminal(view.phase)
        if not self._live:
            words = words.partition(":")[0]
        if self._quiet or not words or words == self._shown:
            return
        self._stream.write(f"\r\x1b[K\x1b[2m{words} ...\x1b[0m" if self._live else f"{words} ...\n")
        self._stream.flush()
        self._shown = words

    def say(self, sentence: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self.clear()
            self._stream.write(for_terminal(sentence) + "\n")
            self._stream.flush()

    def clear(self) -> None:
        """Takes the line away."""
        if self._live and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = ""
