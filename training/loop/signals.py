"""Stopping on request: a signal ends the step at hand, saves, and leaves.

SIGTERM is what schedulers send before they take a machine away, SIGINT is Ctrl-C. A second one
leaves at once; what was saved before is whole (training/checkpoints/folders.py).
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StoppedError(Exception):
    """A signal ended the run before its last step; everything is saved. `code` is the exit code."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.code = 128 + signal


class StopOnSignal(TrainerCallback):
    """`signal` is the one that came, if any; exit codes are 128 more: 143 and 130."""

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[int, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._heard)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # One process may hear it a step before another; all stop at the same one.
        heard = torch.tensor(self.signal, device=args.device)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(heard, op=torch.distributed.ReduceOp.MAX)
        self.signal = int(heard) if torch.distributed.is_initialized() else self.signal
        if self.signal:
            control.should_save = True
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.restore()

    def restore(self) -> None:
        """Signals mean again what they meant before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _heard(self, number: int, frame: Any) -> None:
        if self.signal:
            sys.exit(128 + number)
        self.signal = number
        sys.stderr.write("\nFinishing this step and saving; once more leaves at once.\n")


class Deafness:
    """Keeps a loader's workers from hearing signals, which schedulers send to all processes of a
    job: a worker that left would take the step at hand with it.

    It ends with training: Python terminates a process's children and waits for them before it
    leaves.
    """

    def __init__(self) -> None:
        self._lasts = RawValue("b", 0)  # the workers see it too

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Workers hear no signals until this ends."""
        self._lasts.value = 1
        try:
            yield
        finally:
            self._lasts.value = 0

    def start(self, then: Callable[[int], None] | None, worker: int) -> None:
        """How a worker starts; `then` is what it would have started with."""
        for number in SIGNALS:
            signal.signal(number, self._heard)
        if then is not None:
            then(worker)

    def _heard(self, number: int, frame: Any) -> None:
        if not self._lasts.value:
            os._exit(128 + number)


def train_until_stopped(trainer: Trainer, stop: StopOnSignal, checkpoint: Path | None) -> None:
    """Trains, from a checkpoint if there is one. Raises StoppedError after a signal."""
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    finally:
        stop.restore()
    if stop.signal and trainer.state.global_step < trainer.args.max_steps:
        raise StoppedError(stop.signal)
