"""The one training loop: transformers' Trainer, made to lose nothing and to give the same twice.

It takes batches in the order the dataset has them, draws dropout from a batch's place in the run,
skips steps that are no numbers, and writes checkpoints that are whole or not there. It knows no
model: training/trainer.py adds what is the assistant's, training/classifier/run.py an encoder's.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from training.checkpoints import folders
from training.checkpoints.deepspeed_zero2 import refuse_stage_3
from training.checkpoints.full_tensors import (
    fill_states,
    inner,
    named_states,
    read_tensors,
    write_tensors,
)
from training.loop.distributed import shard_on_cpus
from training.loop.nonfinite import Guard
from training.loop.signals import Deafness
from training.loop.throughput import Meter


class SteadyTrainer(Trainer):
    """Subclasses say what is trained, and how it is written down."""

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        made_of: dict[str, Any],
        keep: int,
        max_skipped: int,
        callbacks: list[TrainerCallback],
        **options: Any,
    ) -> None:
        """`made_of` is written with every checkpoint; a resumed run compares it (changes.py)."""
        self.made_of, self.keep = made_of, keep
        self.guard, self.meter = Guard(max_skipped), Meter()
        self.deafness = Deafness()
        self._step, self._batch_of_step = -1, 0
        super().__init__(model=model, args=args, callbacks=callbacks, **options)
        self.remove_callback(PrinterCallback)

    # What subclasses say.

    def parameter_groups(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def write_weights(self, folder: Path | None) -> None:
        """Every process calls this; only one has a folder."""
        raise NotImplementedError

    def read_weights(self, folder: Path) -> None:
        raise NotImplementedError

    def plain_name(self, name: str) -> str:
        """A parameter's name as it stands in files."""
        return name

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        refuse_stage_3(self.accelerator)
        if shard_on_cpus(self.accelerator):
            self.is_fsdp_enabled = True

    # Order and chance.

    def _get_train_sampler(self, *args: Any) -> SequentialSampler:
        """The dataset is already in the order of the run (data/sources/mixture.py)."""
        return SequentialSampler(self.train_dataset)

    def train(self, *args: Any, **kwargs: Any) -> Any:
        with self.deafness.lasting():
            return super().train(*args, **kwargs)

    def get_train_dataloader(self) -> Any:
        """Its workers hear no signals while it trains, so that a stopped run ends its step."""
        loader: Any = super().get_train_dataloader()
        inside = getattr(loader, "base_dataloader", loader)  # accelerate wraps it
        inside.worker_init_fn = partial(self.deafness.start, inside.worker_init_fn)
        return loader

    def batch_index(self) -> int:
        """The place of the batch at hand among all batches of the run, whoever computes them.

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
        """Dropout follows from the seed and the batch's place in the run, and from nothing else."""
        torch.manual_seed(seed_of(self.args.seed, self.batch_index()))
        self._batch_of_step += 1
        self.meter.count(inputs)
        loss = super().training_step(model, inputs, num_items_in_batch)
        return self.guard.saw(loss)

    # Steps that are no numbers.

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Called once before every optimizer step; without gradients the optimizer does nothing."""
        norm = super()._get_grad_norm(model, grad_norm)
        if self.guard.refuses(norm):
            for parameter in model.parameters():
                parameter.grad = None
            if self.is_world_process_zero():
                step = self.state.global_step + 1
                print(f"WARNING: step {step} is skipped: its loss or gradient is no number.")
            self.guard.stop_if_hopeless()
            return torch.zeros(())
        return norm

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            measured = self.meter.read(self.accelerator)
            logs = {**logs, **measured, "skipped_steps": float(self.guard.skipped)}
        super().log(logs, *args, **kwargs)

    # Checkpoints.

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.store_flos()
        self.meter.pause()
        output = Path(self.args.output_dir)
        folder = output / f"{folders.PREFIX}{self.state.global_step}"
        folders.write_checkpoint(folder, self.args.should_save, self._write)
        if self.args.should_save:
            folders.prune(output, self.keep, self.state.global_step)
        self.accelerator.wait_for_everyone()
        self.look_at(model)
        self.meter.go_on()

    def look_at(self, model: Any) -> None:
        """What is measured with every checkpoint."""

    def _write(self, folder: Path | None) -> None:
        """All of a checkpoint's files; without a folder only this process's pieces are read."""
        self.write_weights(folder)
        optimizer = inner(self.optimizer)
        write_tensors(named_states(self.optimizer, self._trained()), folder, "optimizer")
        if folder is None:
            return
        state = {
            "scheduler": self.lr_scheduler.state_dict(),
            "learning_rates": [group["lr"] for group in optimizer.param_groups],
            "guard": self.guard.state(),
            "seen": self.meter.seen,
        }
        folders.write_json(state, folder / folders.STATE)
        folders.write_json(self.made_of, folder / "made_of.json")
        self.state.save_to_json(str(folder / TRAINER_STATE_NAME))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Weights are read with everything else, when the model is where it will be trained."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """See `training_step`."""

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        prepared = super()._prepare_for_training(max_steps, train_dataloader, None)
        if resume_from_checkpoint is not None:
            self._read(Path(resume_from_checkpoint))
        return prepared

    def _read(self, folder: Path) -> None:
        self.read_weights(folder)
        optimizer = inner(self.optimizer)
        fill_states(self.optimizer, self._trained(), read_tensors(folder, "optimizer"))
        state = folders.read_json(folder / folders.STATE)
        for group, rate in zip(optimizer.param_groups, state["learning_rates"], strict=True):
            group["lr"] = rate
        self.lr_scheduler.load_state_dict(state["scheduler"])
        self.guard.load(state["guard"])
        self.meter.seen = state["seen"]

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        named = self.accelerator.unwrap_model(self.model).named_parameters()
        return {self.plain_name(name): p for name, p in named if p.requires_grad}

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            self.parameter_groups(), betas=(0.9, 0.98)
        )
        return self.optimizer


def seed_of(seed: int, index: int) -> int:
    """The seed of a batch's random numbers."""
    digest = hashlib.sha256(f"{seed} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
