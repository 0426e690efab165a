"""Rejected samples in a run: each process lists its own, and all stop together."""

from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed
from torch.utils.data import Dataset
from transformers import TrainerCallback

from data.samples.collate import BATCH_INFO
from data.samples.packing import PackedDataset
from data.samples.quarantine import Quarantine
from vlm.plural import plural

WARNED_SHARE = 0.01  # of samples left out; above it, the line at the end is a warning


class QuarantineSettings(Protocol):
    """The fields of a recipe that decide what is left out and where it is listed."""

    @property
    def output(self) -> str: ...
    @property
    def max_bad_share(self) -> float: ...
    @property
    def samples_per_process(self) -> int: ...


class QuarantineCallback(TrainerCallback):
    """Counts rejected samples and stops the run above `max_bad_share`."""

    def __init__(self, recipe: QuarantineSettings, dataset: Dataset[Any]) -> None:
        self.recipe = recipe
        self.dataset = dataset
        self.quarantine: Quarantine | None = None
        self.pending: list[dict[str, Any]] = []  # rejected since the last step
        self.num_pending = 0

    def take(self, inputs: dict[str, Any]) -> None:
        """Removes a batch's bookkeeping from it, and keeps it for the end of the step."""
        bookkeeping = {name: inputs.pop(name) for name in BATCH_INFO if name in inputs}
        self.pending += bookkeeping.get("quarantined", [])
        self.num_pending += bookkeeping.get("num_samples", 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        name = "quarantine.jsonl" if args.process_index == 0 else (
            f"quarantine-{args.process_index}.jsonl"
        )  # fmt: skip
        self.quarantine = Quarantine(Path(self.recipe.output) / name, self.recipe.max_bad_share)
        rejected = self.dataset.rejected if isinstance(self.dataset, PackedDataset) else []
        rejected = rejected if args.process_index == 0 else []
        per_step = self.recipe.samples_per_process
        if state.global_step:
            self.quarantine.resume(state.global_step, state.global_step * per_step)
        else:
            self.quarantine.resume(-1, 0)
            if args.process_index == 0:
                self.quarantine.add_planned([vars(bad) for bad in rejected])
        if isinstance(self.dataset, PackedDataset):
            self.quarantine.check(len(rejected), self.dataset.num_planned)
        self._check()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        assert self.quarantine is not None
        self.quarantine.add(state.global_step, self.num_pending, self.pending)
        self.pending, self.num_pending = [], 0
        self._check()

    def summary(self) -> str:
        """What was left out of this process's samples, in a line; empty if nothing was."""
        if self.quarantine is None or not self.quarantine.num_bad:
            return ""
        bad, seen = self.quarantine.num_bad, self.quarantine.num_seen
        left_out = f"{bad:,} of {plural(seen, 'sample')} were left out"
        line = f"{left_out}; {self.quarantine.path} names them."
        return f"WARNING: {line}" if bad > WARNED_SHARE * seen else line

    def _check(self) -> None:
        """Checks the share over all processes, so that all stop together."""
        assert self.quarantine is not None
        counts = torch.tensor([self.quarantine.num_bad, self.quarantine.num_seen])
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            if torch.distributed.get_backend() == "nccl":
                counts = counts.cuda()
            torch.distributed.all_reduce(counts)
        self.quarantine.check(*counts.tolist())
