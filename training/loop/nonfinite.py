"""A step whose loss or gradient is no number is not taken.

One bad batch, or one overflow, would otherwise put NaN into every weight, and the checkpoints after
it would hold nothing else. Such a step is skipped, counted and named; after `limit` in a row the
run stops, and the last checkpoint is the last good state. All processes decide alike.

DeepSpeed takes its steps by itself and is not guarded, only counted.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor


class NotFiniteError(ValueError):
    """Too many steps in a row whose loss or gradient is no number."""


@dataclass
class Guard:
    """Counts of a run; kept in its checkpoints."""

    limit: int
    skipped: int = 0  # in all
    in_a_row: int = 0
    losses: list[Tensor] = field(default_factory=list)  # of the step that is being made

    def saw(self, loss: Tensor) -> Tensor:
        """Remembers a loss of this step; gives it back for the log, zero where it is no number."""
        self.losses.append(loss.detach())
        return torch.where(torch.isfinite(loss), loss, torch.zeros_like(loss))

    def refuses(self, gradient_norm: Any) -> bool:
        """Whether the step must not be taken. Call once a step, on every process."""
        losses, self.losses = self.losses, []
        norm = gradient_norm.full_tensor() if isinstance(gradient_norm, DTensor) else gradient_norm
        norm = 0.0 if norm is None else norm
        values = [torch.as_tensor(norm, dtype=torch.float32).flatten()]
        device = losses[0].device if losses else values[0].device
        values += [loss.float().flatten() for loss in losses]
        bad = (~torch.isfinite(torch.cat([v.to(device) for v in values]))).any().float()
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(bad, op=torch.distributed.ReduceOp.MAX)
        if not bool(bad):
            self.in_a_row = 0
            return False
        self.skipped += 1
        self.in_a_row += 1
        return True

    def stop_if_hopeless(self) -> None:
        if self.in_a_row >= self.limit:
            raise NotFiniteError(
                f"the loss or its gradient was no number in {self.in_a_row} steps in a row, so the "
                "run has stopped; the last checkpoint is from before. A lower `learning_rate` or a "
                "longer `warmup_ratio` is the usual cure"
            )

    def state(self) -> dict[str, int]:
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load(self, state: dict[str, int]) -> None:
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]
