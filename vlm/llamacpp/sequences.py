"""The turns of conversations, kept as sequences of llama.cpp: nothing is read twice.

Looked up by content alone, as in `vlm.inference.caches`. If the pool of cells is full, the least
recently used sequence is forgotten.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence

from torch import Tensor

from vlm.inference.caches import common_prefix
from vlm.inference.errors import NotEnoughMemory
from vlm.llamacpp.context import NUM_SEQUENCES, LlamaContext, NoRoom


class Turns:
    """The tokens of one conversation in the context."""

    def __init__(self, sequence: int, length: int, left: deque[int]) -> None:
        self.sequence, self.length = sequence, length
        # Freed by the thread that computes, whichever drops the object.
        weakref.finalize(self, left.append, sequence)

    def get_seq_length(self) -> int:
        """Returns the number of tokens, under transformers' name."""
        return self.length


class Sequences:
    """All conversations of a context. Used by the thread that computes."""

    def __init__(self, context: LlamaContext) -> None:
        self.context = context
        self._free = list(range(NUM_SEQUENCES))
        self._left: deque[int] = deque()
        self._kept: list[tuple[tuple[int, ...], Turns]] = []  # most recently used last

    def fork(self, rows: Sequence[int]) -> Turns:
        """Returns new turns with the longest known prefix of `rows`, but never all of them."""
        lengths = [common_prefix(known, rows[:-1]) for known, _ in self._kept]
        best = max(range(len(lengths)), key=lengths.__getitem__, default=None)
        if best is None or lengths[best] == 0:
            return self._new()
        self._kept.append(self._kept.pop(best))
        return self.copy(self._kept[-1][1], lengths[best])

    def copy(self, turns: Turns, length: int | None = None) -> Turns:
        """Returns a copy of the first `length` tokens (default: of all); both share the cells."""
        made = self._new()
        made.length = turns.length if length is None else length
        self.context.copy(turns.sequence, made.sequence, made.length)
        return made

    def keep(self, rows: Sequence[int], turns: Turns) -> None:
        """Keeps a copy of turns that hold these rows, or the first of them."""
        length = turns.length
        assert length <= len(rows), f"{length} tokens for {len(rows)} rows"
        given = tuple(rows[:length])
        if length == 0 or any(common_prefix(known, given) == length for known, _ in self._kept):
            return  # a longer prefix is kept
        self._kept = [
            (known, old) for known, old in self._kept if common_prefix(known, given) < len(known)
        ]
        self._kept.append((given, self.copy(turns)))

    def read(self, turns: Turns, embeddings: Tensor, every: bool = False) -> Tensor:
        """Adds embeddings [L, D]; returns logits as `LlamaContext.read`."""
        return self._read(
            turns,
            len(embeddings),
            lambda: self.context.read(turns.sequence, turns.length, embeddings, every),
        )

    def read_tokens(self, turns: Turns, ids: list[int], every: bool = False) -> Tensor:
        """Adds tokens; returns logits as `LlamaContext.read`."""
        return self._read(
            turns,
            len(ids),
            lambda: self.context.read_tokens(turns.sequence, turns.length, ids, every),
        )

    def forget(self) -> None:
        """Forgets all that was kept."""
        self._kept.clear()

    @property
    def num_kept(self) -> int:
        """Tokens that are kept; those that sequences share count for each."""
        return sum(turns.length for _, turns in self._kept)

    def _read(self, turns: Turns, count: int, read: Callable[[], Tensor]) -> Tensor:
        while True:
            self._free_left()
            try:
                logits = read()
            except NoRoom:
                if not self._kept:
                    raise NotEnoughMemory(
                        "The conversations that are answered now fill the context of llama.cpp:"
                        " wait for one to end, or raise --context."
                    ) from None
                self._kept.pop(0)
                continue
            turns.length += count
            return logits

    def _new(self) -> Turns:
        self._free_left()
        while not self._free and self._kept:
            self._kept.pop(0)
            self._free_left()
        if not self._free:
            raise NotEnoughMemory("Too many conversations are answered at once: wait for one.")
        return Turns(self._free.pop(), 0, self._left)

    def _free_left(self) -> None:
        while self._left:
            sequence = self._left.popleft()
            self.context.cut(sequence)
            self._free.append(sequence)
