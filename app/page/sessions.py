"""The conversations a server holds: in memory only, each known by a random id, never more than
there is room for.

The model's state of a conversation (its KV cache) is large, its text is small. So the text of many
is kept, the state of the few that were used last, and after some hours of silence a conversation
is gone.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from app.chat import Chat
from app.frame_strip import Strip


class Sessions:
    """num_remembered: how many conversations the model remembers; num_kept: how many are kept as
    text; lifetime: seconds.
    """

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
        self._chats: OrderedDict[str, tuple[float, Chat]] = OrderedDict()  # oldest use first
        self._stops: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def get(self, session: str) -> Chat | None:
        """The conversation, or None when there is none of that id (any more)."""
        with self._lock:
            self._expire()
            if session not in self._chats:
                return None
            _, chat = self._chats[session]
            self._chats[session] = (self._now(), chat)
            self._chats.move_to_end(session)
            return chat

    def put(self, session: str, chat: Chat) -> None:
        """Keeps a conversation, and lets go of what there is no more room for."""
        with self._lock:
            self._chats[session] = (self._now(), chat)
            self._chats.move_to_end(session)
            self._expire()
            while len(self._chats) > self._num_kept:
                self._chats.popitem(last=False)
            for old in list(self._chats)[: -self._num_remembered]:
                used, kept = self._chats[old]
                if kept.num_forgotten < len(kept.turns):
                    self._chats[old] = (used, kept.without_memory())

    def strip(self, key: str) -> Strip | None:
        """The strip with that key, whichever conversation it belongs to; the key is the
        permission.
        """
        with self._lock:
            for _, chat in self._chats.values():
                for turn in chat.turns:
                    for strip in turn.strips:
                        if strip.key == key:
                            return strip
        return None

    def start(self, session: str) -> threading.Event:
        """The stop signal for an answer that begins in this conversation."""
        stop = threading.Event()
        with self._lock:
            self._stops[session] = stop
        return stop

    def stop(self, session: str) -> None:
        """Stops the answer being written in this conversation, if there is one."""
        with self._lock:
            stop = self._stops.pop(session, None)
        if stop is not None:
            stop.set()

    def stop_all(self) -> None:
        """Stops every answer being written: the server is about to end."""
        with self._lock:
            stops, self._stops = self._stops, {}
        for stop in stops.values():
            stop.set()

    def _expire(self) -> None:
        earliest = self._now() - self._lifetime
        for session in [s for s, (used, _) in self._chats.items() if used < earliest]:
            del self._chats[session]
