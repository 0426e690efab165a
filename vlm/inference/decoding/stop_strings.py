"""Ends an answer before the first of some strings, however its tokens cut them."""

from collections.abc import Sequence


class StopStrings:
    """Holds text back as long as it may be the beginning of a stop string."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.found = False  # text after a stop string is dropped

    def push(self, piece: str) -> str:
        """Returns the text that is certainly part of the answer."""
        if self.found:
            return ""
        text = self._held + piece
        ends = [text.find(stop) for stop in self._stops if stop in text]
        if ends:
            self.found, self._held = True, ""
            return text[: min(ends)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """Returns the rest, once no more text comes."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Returns the length of the longest end of `text` with which `stop` begins."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
