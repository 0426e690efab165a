"""Skips optimizer steps whose loss or gradient is NaN or Inf, or that have nothing to learn.

One bad batch or one overflow would otherwise put NaN into every weight and every later checkpoint.
Such a step is skipped, counted and reported; after `limit` in a row the run stops, and the last
checkpoint is the last good state. All processes decide together. A step whose samples were all
rejected has no loss (0/0) and is skipped under its own name.

DeepSpeed takes its steps itself: there, nonfinite steps are counted but not skipped.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor


class NonfiniteError(ValueError):
    """Too many steps in a row had a nonfinite loss or gradient."""


@dataclass
class NonfiniteGuard:
    """Decides which steps to skip; its counts are part of a checkpoint."""

    limit: int
    skipped: int = 0  # in the whole run
    in_a_row: int = 0
    empty_in_a_row: int = 0  # of these, the latest without a usable sample
    losses: list[Tensor] = field(default_factory=list)  # of the current step
    unlogged: list[Tensor] = field(default_factory=list)  # finite losses of skipped steps, by step

    def record(self, loss: Tensor) -> Tensor:
        """Remembers a loss of this step; returns it for the log, with zero for NaN and Inf."""
        self.losses.append(loss.detach())
        return torch.where(torch.isfinite(loss), loss, torch.zeros_like(loss))

    def should_skip(self, gradient_norm: Any, is_empty: bool = False) -> bool:
        """Returns whether to skip this step. Collective: every process calls it once a step.

        `is_empty`: no process has an answer to learn in this step.
        """
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
            self.in_a_row = self.empty_in_a_row = 0
            return False
        self.skipped += 1
        self.in_a_row += 1
        self.empty_in_a_row = self.empty_in_a_row + 1 if is_empty else 0
        finite = [torch.where(torch.isfinite(one), one, torch.zeros_like(one)) for one in losses]
        self.unlogged.append(torch.stack(finite).sum() if finite else torch.zeros(()))
        return True

    def take_unlogged(self) -> tuple[int, Tensor]:
        """The number of steps skipped since the last call, and what they added to the loss."""
        taken, self.unlogged = self.unlogged, []
        return len(taken), torch.stack(taken).sum() if taken else torch.zeros(())

    def raise_at_limit(self) -> None:
        if self.empty_in_a_row >= self.limit:
            raise NonfiniteError(
                f"no sample of {self.empty_in_a_row} steps in a row could be used, so the run has "
                "stopped: quarantine.jsonl in the `output` folder lists the reasons"
            )
        if self.in_a_row >= self.limit:
            raise NonfiniteError(
                f"the loss or its gradient was NaN or Inf in {self.in_a_row} steps in a row, so the"
                " run has stopped; the last checkpoint is from before these steps: try a lower "
                "`learning_rate` or a larger `warmup_ratio`"
            )

    def state_dict(self) -> dict[str, int]:
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]
