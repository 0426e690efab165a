"""Shares questions between processes, and lets them wait for each other.

`torchrun` and `accelerate launch` start several processes and set RANK and WORLD_SIZE in each.
Work is divided by video or document, so none is decoded twice.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar


class Grouped(Protocol):
    """A question about a video or a document."""

    @property
    def group(self) -> str: ...


MEETING, WAITING = timedelta(minutes=30), timedelta(days=30)
G = TypeVar("G", bound=Grouped)


@dataclass
class Processes:
    """This process among all processes of a run."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0  # on this machine: the number of its GPU
    # A torch.distributed.ProcessGroupGloo, whose type stub lacks `allreduce`.
    _group: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Processes":
        """Raises ValueError if the variables contradict each other."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        rank, count, local = (environment.get(name, "") for name in names)
        if not count or count == "1":
            return cls()
        if not (rank.isdigit() and count.isdigit() and int(rank) < int(count)):
            raise ValueError(
                f"RANK is {rank!r} and WORLD_SIZE {count!r}: start several processes with torchrun"
                " or accelerate launch, which set them."
            )
        return cls(int(rank), int(count), int(local) if local.isdigit() else int(rank))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, questions: Sequence[G]) -> list[G]:
        """Returns the questions of this process: every count-th group, in the given order."""
        numbers: dict[str, int] = {}
        for question in questions:
            numbers.setdefault(question.group, len(numbers))
        return [q for q in questions if numbers[q.group] % self.count == self.rank]

    def start(self) -> None:
        """Connects the processes."""
        if self.count == 1:
            return
        from torch import distributed

        try:
            store, _, _ = next(distributed.rendezvous("env://", timeout=MEETING))
            # Not torch's default group, which nobody can end: modules that are imported while it
            # exists, such as torch.distributed.nn, keep it in the defaults of their functions.
            # A process with short films waits for one with long ones.
            self._group = distributed.ProcessGroupGloo(store, self.rank, self.count, WAITING)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"process {self.rank + 1} of {self.count} did not find the others ({error})."
            ) from error

    def wait(self, problem: str = "") -> None:
        """Waits for all processes. Raises ValueError in all if one has a problem or has died.

        One process raises the problem itself; in the others the error is empty.
        """
        if self.count == 1:
            if problem:
                raise ValueError(problem)
            return
        import torch
        from torch import distributed

        assert self._group is not None, "start() comes first"
        reporter = torch.tensor([self.rank if problem else self.count])
        try:
            self._group.allreduce([reporter], distributed.ReduceOp.MIN).wait()
        except RuntimeError:
            raise ValueError(
                "another process of this run has ended; start the same command again to"
                " continue from here."
            ) from None
        if int(reporter) < self.count:
            raise ValueError(problem if int(reporter) == self.rank else "")

    def end(self) -> None:
        """Disconnects the processes and joins gloo's threads.

        A thread of gloo may hold `reporter` a little longer than `wait` does. If it drops the last
        reference, it takes the GIL to delete the Python object. While the interpreter finalizes,
        Python up to 3.13 ends such a thread inside a C++ destructor, and the process aborts:
        "terminate called without an active exception". The group's destructor joins the threads.
        """
        self._group = None
