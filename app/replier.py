"""What a chat needs of an assistant: the real one, or the page's models of which one is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlm.assistant import Asked, Event, MediaSource, Settings, State, Stream


class Replier(Protocol):
    """Answers questions, and describes the model that does."""

    @property
    def card(self) -> Mapping[str, Any]:
        """Name, parameters, knows, limits."""

    def reply(
        self,
        state: State,
        text: str,
        files: Sequence[Path | MediaSource] = (),
        settings: Settings | None = None,
        stop: Flag | None = None,
        *,
        before: Sequence[str] = (),
        earlier: Sequence[Asked] = (),
    ) -> Iterator[Event]:
        """Yields events, as `Assistant.reply`."""

    def decide(
        self, state: State, text: str, options: Sequence[str], files: Sequence[MediaSource] = ()
    ) -> Iterator[Event]:
        """Yields events, as `Assistant.decide`."""

    def see_next(self, stream: Stream, frame: NDArray[np.uint8], time: float) -> Stream:
        """Looks at the next frame of a stream, as `Assistant.see_next`."""
