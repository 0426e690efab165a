"""States of the tower after its looks at a picture, from which one more look is computed.

In a causal tower a look depends on the looks before it only through their keys and values.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from threading import Lock

from torch import Tensor


class LookStates:
    """The states of recent pictures, least recently used dropped first; never over the limit."""

    def __init__(self, max_bytes: int = 128 * 2**20) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[bytes, tuple[Sequence[object], int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Sequence[object] | None:
        """Returns the states of the batches of a picture's tiles; None if they are not kept."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: bytes, states: Sequence[object]) -> None:
        """Keeps the states, unless the tower has none or they are larger than the limit."""
        size = sum(tensor.nbytes for state in states for tensor in _tensors(state))
        if any(state is None for state in states) or size > self.max_bytes:
            return
        with self._lock:
            self._entries[key] = (states, size)
            self._entries.move_to_end(key)
            while sum(size for _, size in self._entries.values()) > self.max_bytes:
                self._entries.popitem(last=False)

    def forget(self) -> None:
        """Drops all states."""
        with self._lock:
            self._entries.clear()


def _tensors(state: object) -> Iterator[Tensor]:
    """Yields the tensors in a state."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, Mapping):
        for part in state.values():
            yield from _tensors(part)
    elif isinstance(state, tuple | list):
        for part in state:
            yield from _tensors(part)
    elif is_dataclass(state):
        for field in fields(state):
            yield from _tensors(getattr(state, field.name))
