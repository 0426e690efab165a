"""A conversation as a value: its turns, and the other versions of each.

A question can be edited and an answer repeated at any place; what stood there before, with all that
followed it, stays as another version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.frame_strip import Strip
from vlm.assistant import State, Turn, Usage

Tail = tuple["ChatTurn", ...]  # a turn and those that follow it


@dataclass(frozen=True)
class ChatTurn:
    """One question with its files and the answer to it.

    others: the other versions of this turn, each with what followed it, in order. place: where
    this version stands among them.
    """

    question: str
    files: tuple[Path, ...] = ()
    lost: tuple[str, ...] = ()  # keys of files that are no longer here, see `file_key`
    answer: str = ""
    strips: tuple[Strip, ...] = ()
    usage: Usage | None = None
    notes: tuple[str, ...] = ()  # what was reduced to fit the context
    stopped: bool = False
    again: int = 0  # looks at its pictures beyond the usual ones
    span: tuple[float, float] | None = None  # seconds of its film that were looked at; None: all
    memory: Turn | None = None  # what the model continues from; None: it has to read it again
    others: tuple[Tail, ...] = ()
    place: int = 0

    @property
    def num_versions(self) -> int:
        return len(self.others) + 1

    def without_memory(self) -> "ChatTurn":
        """Returns the same text without pictures and model state, in all versions."""
        return replace(
            self,
            strips=tuple(strip.without_pictures() for strip in self.strips),
            memory=None,
            others=tuple(tuple(turn.without_memory() for turn in tail) for tail in self.others),
        )


@dataclass(frozen=True)
class Chat:
    """A conversation: the turns that are shown."""

    turns: Tail = ()

    @property
    def num_forgotten(self) -> int:
        """Returns how many of the first turns the model has no state for."""
        for number in range(len(self.turns), 0, -1):
            if self.turns[number - 1].memory is None:
                return number
        return 0

    @property
    def state(self) -> State:
        """Returns what the model continues from: the turns after the last forgotten one."""
        known = (turn.memory for turn in self.turns[self.num_forgotten :])
        return State(tuple(memory for memory in known if memory is not None))

    @property
    def num_lost(self) -> int:
        """Returns how many of the first turns cannot be read again: a file of them is gone."""
        for number in range(self.num_forgotten, 0, -1):
            if self.turns[number - 1].lost:
                return number
        return 0

    @property
    def to_read(self) -> Tail:
        """Returns the turns that the model has to read again before it answers the next one."""
        return self.turns[self.num_lost : self.num_forgotten]

    def until(self, index: int) -> "Chat":
        """Returns the conversation before a turn."""
        return Chat(self.turns[:index])

    def with_notes(self, notes: Sequence[str]) -> "Chat":
        """Returns the conversation with notes added to its last answer."""
        last = self.turns[-1]
        return Chat((*self.turns[:-1], replace(last, notes=(*last.notes, *notes))))

    def without_memory(self) -> "Chat":
        """Returns the same text without frames and model state."""
        return Chat(tuple(turn.without_memory() for turn in self.turns))

    def versions(self, index: int) -> tuple[Tail, ...]:
        """Returns all versions of a turn and what followed it, in order."""
        shown = self.turns[index]
        own = (replace(shown, others=(), place=0), *self.turns[index + 1 :])
        return (*shown.others[: shown.place], own, *shown.others[shown.place :])

    def with_version(self, index: int, tail: Tail) -> "Chat":
        """Adds a version of a turn and shows it. The earlier ones stay, with what followed them."""
        if index >= len(self.turns):
            return Chat((*self.turns[:index], *tail))
        versions = (*self.versions(index), tail)
        return self.until(index)._continued(versions, len(versions) - 1)

    def answered(self, at: int, answered: "Chat") -> "Chat":
        """Adds the answer to a question that was asked in place of turn `at`, or after the last.

        `answered` continues the turns before it; those that were read again are taken over.
        """
        now = Chat((*answered.turns[:at], *self.turns[at:]))
        return now.with_version(at, answered.turns[at:])

    def showing(self, index: int, place: int) -> "Chat":
        """Shows another version of a turn. Raises IndexError if it does not exist."""
        if not (0 <= index < len(self.turns) and 0 <= place < self.turns[index].num_versions):
            raise IndexError(f"turn {index} has no version {place}")
        return self.until(index)._continued(self.versions(index), place)

    def _continued(self, versions: Sequence[Tail], place: int) -> "Chat":
        head, *rest = versions[place]
        others = tuple(tail for at, tail in enumerate(versions) if at != place)
        return Chat((*self.turns, replace(head, others=others, place=place), *rest))

    def with_files(self, here: Callable[[Path], bool]) -> "Chat":
        """Returns the conversation with the files that are gone marked as lost."""
        return Chat(tuple(_with_files(turn, here) for turn in self.turns))


def _with_files(turn: ChatTurn, here: Callable[[Path], bool]) -> ChatTurn:
    gone = tuple(path for path in turn.files if not here(path))
    if not gone:
        return turn
    kept = tuple(path for path in turn.files if path not in gone)
    return replace(turn, files=kept, lost=(*turn.lost, *map(file_key, gone)))


def file_key(path: Path) -> str:
    """Returns the key of an upload: the folder that is named by its content, and its name.

    It stays the same when a browser sends the file to another server. It is never a path.
    """
    return "/".join(path.parts[-2:])


def file_name(key: str) -> str:
    """Returns the name in a file's key."""
    return key.rpartition("/")[2]
