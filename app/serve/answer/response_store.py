"""Kept conversations: `previous_response_id` continues one without sending its media again."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from vlm.assistant import State


@dataclass(frozen=True, eq=False)
class Kept:
    """An answer, and the state after it."""

    owner: str
    record: dict[str, Any]
    state: State


class ResponseStore:
    """The last conversations, bounded in number and in the bytes of their media.

    Used by one event loop.
    """

    def __init__(self, num_kept: int, num_bytes: int = 2**29) -> None:
        self._num_kept, self._num_bytes = num_kept, num_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()  # least recently used first

    def put(self, kept: Kept) -> None:
        """Keeps an answer, and drops the ones that were not used for the longest time."""
        self._kept[kept.record["id"]] = kept
        while len(self._kept) > 1 and (
            len(self._kept) > self._num_kept or self._media_bytes() > self._num_bytes
        ):
            self._kept.popitem(last=False)

    def get(self, key: str, owner: str) -> Kept | None:
        """Returns an answer of this owner; None if missing or someone else's."""
        kept = self._kept.get(key)
        if kept is None or kept.owner != owner:
            return None
        self._kept.move_to_end(key)
        return kept

    def delete(self, key: str, owner: str) -> bool:
        """Drops an answer of this owner; returns whether there was one."""
        return self.get(key, owner) is not None and self._kept.pop(key) is not None

    def _media_bytes(self) -> int:
        media = {
            encoded.digest: encoded.num_bytes
            for kept in self._kept.values()
            for turn in kept.state.turns
            for encoded in turn.media
        }
        return sum(media.values())
