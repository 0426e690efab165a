"""Stopping on request: a signal finishes the current step, saves a checkpoint and exits.

SIGTERM is what schedulers send before they take a machine away, SIGINT is Ctrl-C. A second signal
exits at once; checkpoints saved before are intact (training/checkpoints/folders.py).
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
    """A signal ended the run early; everything is saved. `code` is the exit code."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.code = 128 + signal


class StopOnSignal(TrainerCallback):
    """Handles SIGTERM and SIGINT while training; `signal` is the received one, or 0."""

    def __init__(self) -> None:
        self.signal = 0
        self._previous: dict[int, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._handle)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Processes may receive it a step apart; all stop at the same step.
        received = torch.tensor(self.signal, device=args.device)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(received, op=torch.distributed.ReduceOp.MAX)
        self.signal = int(received) if torch.distributed.is_initialized() else self.signal
        if self.signal:
            control.should_save = True
            control.should_training_stop = True
            # Nothing may delay the exit, except the loss that chooses the weights.
            control.should_evaluate &= args.metric_for_best_model is not None

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.restore()

    def restore(self) -> None:
        """Puts the previous signal handlers back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _handle(self, number: int, frame: Any) -> None:
        if self.signal:
            sys.exit(128 + number)
        self.signal = number
        sys.stderr.write("\nFinishing this step and saving; a second signal exits at once.\n")


class WorkerSignals:
    """Lets a data loader's workers ignore signals while training runs.

    Schedulers signal every process of a job: a worker that exited would take the current step down
    with it. After training, workers react again: Python terminates a process's children and waits
    for them before it exits. Their exit code is then 0: a worker on a busy machine may get the
    signal only after training, and torch would raise for another code whatever runs meanwhile.
    """

    def __init__(self) -> None:
        self._ignored = RawValue("b", 0)  # shared with the workers

    @contextmanager
    def ignore_signals(self) -> Iterator[None]:
        """Workers ignore signals inside this context."""
        self._ignored.value = 1
        try:
            yield
        finally:
            self._ignored.value = 0

    def init_worker(self, then: Callable[[int], None] | None, worker: int) -> None:
        """Initializes a worker; `then` is the loader's own initialization."""
        for number in SIGNALS:
            signal.signal(number, self._handle)
        if then is not None:
            then(worker)

    def _handle(self, number: int, frame: Any) -> None:
        if not self._ignored.value:
            os._exit(0)


def train_until_stopped(trainer: Trainer, stop: StopOnSignal, checkpoint: Path | None) -> None:
    """Trains, from `checkpoint` if one is given. Raises StoppedError after a signal."""
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    finally:
        stop.restore()
    if stop.signal and trainer.state.global_step < trainer.args.max_steps:
        raise StoppedError(stop.signal)
