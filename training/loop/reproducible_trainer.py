"""The one training loop: transformers' Trainer, reproducible and resumable to the bit.

It takes batches in the dataset's order, seeds dropout by a batch's index in the run, skips
nonfinite steps, and writes checkpoints atomically. It knows no model: training/trainer.py adds the
assistant's parts, training/encoders/trainer.py an encoder's.
"""

import hashlib
import math
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME

from training.checkpoints import folders
from training.checkpoints.best import early_stopping_counter
from training.checkpoints.full_tensors import (
    fill_states,
    inner_optimizer,
    named_states,
    read_tensors,
    write_tensors,
)
from training.checkpoints.run_identity import LOOP_VERSION
from training.loop.distributed import print_rank0, refuse_zero_3, reshard, shard_on_cpus
from training.loop.nonfinite import NonfiniteGuard
from training.loop.signals import WorkerSignals
from training.loop.throughput import Throughput
from training.loop.warmup import start_above_zero


class IntervalsOfRecipe(TrainerCallback):
    """Logs, evaluates and saves as often as the recipe requests, not as the resumed state did."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        state.logging_steps, state.eval_steps = args.logging_steps, args.eval_steps
        state.save_steps = args.save_steps


class ReproducibleTrainer(Trainer):
    """Subclasses define the trained parameters and how they are saved."""

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        fingerprint: dict[str, Any],
        save_total_limit: int,
        max_skipped: int,
        callbacks: list[TrainerCallback],
        **options: Any,
    ) -> None:
        """`fingerprint` goes into every checkpoint; a resumed run compares it (run_identity.py)."""
        self.fingerprint, self.save_total_limit = fingerprint, save_total_limit
        self.guard, self.throughput = NonfiniteGuard(max_skipped), Throughput()
        self.worker_signals = WorkerSignals()
        self.loop_version: int = fingerprint.get("loop", LOOP_VERSION)
        self._step, self._batch_of_step = -1, 0
        self._last_logged = 0  # step
        self._num_items: Any = None  # answer tokens of the current step; None if not counted
        callbacks = [IntervalsOfRecipe(), *callbacks]
        super().__init__(model=model, args=args, callbacks=callbacks, **options)
        self.remove_callback(PrinterCallback)

    # Defined by subclasses.

    def parameter_groups(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def write_weights(self, folder: Path | None) -> None:
        """Collective: every process calls this, only the writing one with a folder."""
        raise NotImplementedError

    def read_weights(self, folder: Path) -> None:
        raise NotImplementedError

    def held_out_metrics(self, model: Any) -> dict[str, float]:
        """Measurements on held-out samples, if there are any."""
        raise NotImplementedError

    def drop_idle_gradients(self) -> None:
        """Before an optimizer step: removes gradients of parameters that no sample used."""

    def checkpoint_name(self, name: str) -> str:
        """Returns a parameter's name in checkpoints."""
        return name

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        refuse_zero_3(self.accelerator)
        if shard_on_cpus(self.accelerator):
            self.is_fsdp_enabled = True

    # Order and randomness.

    def _get_train_sampler(self, *args: Any) -> SequentialSampler:
        """Sequential: the dataset is already in the order of the run (data/sources/mixture.py)."""
        return SequentialSampler(self.train_dataset)

    def train(self, *args: Any, **kwargs: Any) -> Any:
        with self.worker_signals.ignore_signals():
            return super().train(*args, **kwargs)

    def get_train_dataloader(self) -> Any:
        """Workers ignore signals during training, so that a stopped run finishes its step."""
        loader: Any = super().get_train_dataloader()
        inside = getattr(loader, "base_dataloader", loader)  # accelerate wraps it
        inside.worker_init_fn = partial(self.worker_signals.init_worker, inside.worker_init_fn)
        return loader

    def batch_index(self) -> int:
        """Returns the index of the current batch among all batches of the run, over all processes.

        One process with two accumulation steps and two processes with one see the same batches
        under the same indices.
        """
        if self._step != self.state.global_step:
            self._step, self._batch_of_step = self.state.global_step, 0
        per_step = self.args.gradient_accumulation_steps * self.args.world_size
        index = self._step * per_step + self._batch_of_step * self.args.world_size
        return index + self.args.process_index

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """Seeds dropout by the run's seed and the batch's index alone."""
        torch.manual_seed(seed_of(self.args.seed, self.batch_index()))
        self._batch_of_step += 1
        self._num_items = num_items_in_batch
        self.throughput.add(inputs)
        loss = super().training_step(model, inputs, num_items_in_batch)
        return self.guard.record(loss)

    # Nonfinite steps.

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Called once before each optimizer step, which does nothing without gradients."""
        norm = super()._get_grad_norm(model, grad_norm)
        is_empty = self._num_items is not None and int(self._num_items) == 0
        if self.guard.should_skip(norm, is_empty):
            for parameter in model.parameters():
                parameter.grad = None
            reason = "its loss or gradient is NaN or Inf"
            if is_empty:
                reason = "none of its samples can be used (quarantine.jsonl lists why)"
            print_rank0(f"WARNING: step {self.state.global_step + 1} is skipped: {reason}.")
            self.guard.raise_at_limit()
            self.drop_idle_gradients()
            return torch.zeros(())
        self.drop_idle_gradients()
        return norm

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            logs = {**logs, "loss": self._mean_loss(logs["loss"])}
            measured = self.throughput.measure(self.accelerator)
            logs = {**logs, **measured, "skipped_steps": float(self.guard.skipped)}
        super().log(logs, *args, **kwargs)

    def _mean_loss(self, loss: float) -> float:
        """Returns the logged mean over steps, without skipped ones; NaN if all were skipped."""
        skipped, unlogged = self.guard.take_unlogged()
        steps = self.state.global_step - self._last_logged
        self._last_logged = self.state.global_step
        if not skipped:
            return loss
        if skipped >= steps:
            return math.nan
        per_process = self.accelerator.gather(unlogged.to(self.args.device).reshape(1))
        return (loss * steps - per_process.mean().item()) / (steps - skipped)

    # Held-out samples.

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Logs the held-out metrics; with `load_best_model_at_end` they choose the weights."""
        self.throughput.pause()
        metrics = self.held_out_metrics(self.model_wrapped)
        self.model_wrapped.train()
        reshard(self.model_wrapped)
        self.log(metrics)
        self.throughput.resume()
        prefixed = {f"eval_{name}": value for name, value in metrics.items()}
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, prefixed
        )
        return prefixed

    def _load_best_model(self) -> None:
        """Does nothing: training/checkpoints/best.py loads it, by its step."""

    # Checkpoints.

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.store_flos()
        self.throughput.pause()
        output = Path(self.args.output_dir)
        folder = output / f"{folders.PREFIX}{self.state.global_step}"
        folders.write_checkpoint(folder, self.args.should_save, self._write)
        if self.args.should_save:
            best = self.state.best_global_step if self.args.load_best_model_at_end else None
            folders.prune(output, self.save_total_limit, self.state.global_step, best)
        self.accelerator.wait_for_everyone()
        self.on_checkpoint(model)
        self.throughput.resume()

    def on_checkpoint(self, model: Any) -> None:
        """Measurements after each checkpoint."""

    def _write(self, folder: Path | None) -> None:
        """Writes a checkpoint's files; without a folder, only takes part in gathering shards."""
        self.write_weights(folder)
        optimizer = inner_optimizer(self.optimizer)
        write_tensors(named_states(self.optimizer, self._trained()), folder, "optimizer")
        if folder is None:
            return
        state = {
            "scheduler": self.lr_scheduler.state_dict(),
            "learning_rates": [group["lr"] for group in optimizer.param_groups],
            "guard": self.guard.state_dict(),
            "early_stopping": early_stopping_counter(self),
            "seen": self.throughput.totals,
        }
        folders.write_json(state, folder / folders.STATE)
        folders.write_json(self.fingerprint, folder / folders.FINGERPRINT)
        self.state.save_to_json(str(folder / TRAINER_STATE_NAME))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Does nothing: `_read` loads weights once the model is on its device and sharded."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Does nothing: `training_step` sets the generators."""

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        prepared = super()._prepare_for_training(max_steps, train_dataloader, None)
        if resume_from_checkpoint is not None:
            self._read(Path(resume_from_checkpoint))
        return prepared

    def _read(self, folder: Path) -> None:
        self._last_logged = folders.step_of(folder)
        self.read_weights(folder)
        optimizer = inner_optimizer(self.optimizer)
        fill_states(self.optimizer, self._trained(), read_tensors(folder, "optimizer"))
        state = folders.read_json(folder / folders.STATE)
        for group, rate in zip(optimizer.param_groups, state["learning_rates"], strict=True):
            group["lr"] = rate
        self.lr_scheduler.load_state_dict(state["scheduler"])
        self.guard.load_state_dict(state["guard"])
        self.throughput.totals = state["seen"]
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, EarlyStoppingCallback):
                callback.early_stopping_patience_counter = state.get("early_stopping") or 0

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        named = self.accelerator.unwrap_model(self.model).named_parameters()
        return {self.checkpoint_name(name): p for name, p in named if p.requires_grad}

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        scheduler = super().create_scheduler(num_training_steps, optimizer)
        if self.loop_version > 1:
            start_above_zero(scheduler, self.args.get_warmup_steps(num_training_steps))
        return scheduler

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            self.parameter_groups(), betas=(0.9, 0.98)
        )
        return self.optimizer


def seed_of(seed: int, index: int) -> int:
    """Returns the seed of one batch's random numbers."""
    digest = hashlib.sha256(f"{seed} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
