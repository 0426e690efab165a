"""What a chat needs of an assistant: the real one, or the page's models of which one is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

from vlm.assistant import Asked, Event, MediaSource, Settings, State


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
