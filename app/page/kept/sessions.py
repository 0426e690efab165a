"""Holds conversations in memory, each under a random id, in bounded numbers.

A conversation's model state (KV cache) is large and its text small. So the text of many
conversations is kept, the state of the most recently used few, and idle conversations expire.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from app.frame_strip import Strip
from app.turns import Chat


class Sessions:
    """num_remembered: conversations with state; num_kept: with text; lifetime: idle seconds."""

    def __init__(
        self,
        num_remembered: int = 8,
        num_kept: int = 200,
        lifetime: float = 6 * 3600,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._num_remembered, self._num_kept, self._lifetime, self._now = (
            num_remembered,
            num_kept,
            lifetime,
            now,
        )
        self._chats: OrderedDict[str, tuple[float, Chat]] = (
            OrderedDict()
        )  # least recently used first
        self._remembered: set[str] = set()  # those whose model state is kept
        self._stops: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def get(self, session: str) -> Chat | None:
        """Returns the conversation, or None if missing or expired."""
        with self._lock:
            self._expire()
            if session not in self._chats:
                return None
            _, chat = self._chats[session]
            self._chats[session] = (self._now(), chat)
            self._chats.move_to_end(session)
            return chat

    def put(self, session: str, chat: Chat) -> None:
        """Stores a conversation and evicts what exceeds the limits."""
        with self._lock:
            self._chats[session] = (self._now(), chat)
            self._chats.move_to_end(session)
            self._remembered.add(session)
            self._expire()
            while len(self._chats) > self._num_kept:
                self._chats.popitem(last=False)
            self._remembered &= self._chats.keys()
            for old in self._remembered & set(list(self._chats)[: -self._num_remembered]):
                used, kept = self._chats[old]
                self._chats[old] = (used, kept.without_memory())
                self._remembered.remove(old)

    def strip(self, key: str) -> Strip | None:
        """Returns the strip with that key from any conversation; the key is the permission."""
        with self._lock:
            for _, chat in self._chats.values():
                for turn in chat.turns:
                    for strip in turn.strips:
                        if strip.key == key:
                            return strip
        return None

    def start(self, session: str) -> threading.Event:
        """Returns the stop signal of an answer that starts in this conversation.

        An earlier answer that still runs there is stopped: both would continue the same turns.
        """
        stop = threading.Event()
        with self._lock:
            earlier = self._stops.get(session)
            self._stops[session] = stop
        if earlier is not None:
            earlier.set()
        return stop

    def end(self, session: str, stop: threading.Event) -> None:
        """Stops and forgets the answer with this signal, but not one that started after it."""
        stop.set()
        with self._lock:
            if self._stops.get(session) is stop:
                del self._stops[session]

    def stop(self, session: str) -> None:
        """Stops the current answer of this conversation, if any."""
        with self._lock:
            stop = self._stops.pop(session, None)
        if stop is not None:
            stop.set()

    def stop_all(self) -> None:
        """Stops every current answer, for shutdown."""
        with self._lock:
            stops, self._stops = self._stops, {}
        for stop in stops.values():
            stop.set()

    def _expire(self) -> None:
        earliest = self._now() - self._lifetime
        for session in [s for s, (used, _) in self._chats.items() if used < earliest]:
            del self._chats[session]
