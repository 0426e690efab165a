"""Translates a recipe into transformers' TrainingArguments."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch
from transformers import TrainingArguments

from training.model.initial_model import language_dtype


class RunSettings(Protocol):
    """The fields that the assistant's recipes and the encoders' have in common."""

    @property
    def output(self) -> str: ...
    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def gradient_accumulation_steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup_ratio(self) -> float: ...
    @property
    def lr_scheduler_type(self) -> str: ...
    @property
    def load_best_model_at_end(self) -> bool: ...
    @property
    def early_stopping_patience(self) -> int: ...
    @property
    def max_grad_norm(self) -> float: ...
    @property
    def log_every(self) -> int: ...
    @property
    def save_every(self) -> int: ...
    @property
    def workers(self) -> int: ...
    @property
    def bf16(self) -> bool | str: ...
    @property
    def report_to(self) -> Sequence[str]: ...
    @property
    def seed(self) -> int: ...


def training_arguments(recipe: RunSettings, metric: str = "") -> TrainingArguments:
    """TrainingArguments of a recipe; with a held-out metric, measured with every checkpoint.

    Raises ValueError for a reporter that is not installed.
    """
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(Path(recipe.output) / "tensorboard"))
    os.environ.setdefault("TRACKIO_DIR", str(Path(recipe.output) / "trackio"))
    for name in recipe.report_to:
        if find_spec(name) is None:
            raise ValueError(
                f"`report_to` names {name}, which is not installed: `pip install {name}`, or "
                "remove it"
            )
    try:
        return _training_arguments(recipe, metric)
    except (ImportError, RuntimeError) as error:
        raise ValueError(str(error).splitlines()[0]) from error


def chooses(recipe: RunSettings) -> bool:
    """Returns whether the held-out metric chooses the weights or the last step."""
    return recipe.load_best_model_at_end or recipe.early_stopping_patience > 0


def uses_bf16(recipe: RunSettings) -> bool:
    """Returns whether a step runs under autocast to bfloat16."""
    if isinstance(recipe.bf16, bool):
        return recipe.bf16
    return language_dtype() == torch.bfloat16


def _training_arguments(recipe: RunSettings, metric: str) -> TrainingArguments:
    return TrainingArguments(
        output_dir=recipe.output,
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        # Each answer token weighs the same in every process and accumulation step.
        average_tokens_across_devices=True,
        learning_rate=recipe.learning_rate,
        warmup_steps=max(1, round(recipe.warmup_ratio * recipe.steps)),
        lr_scheduler_type=recipe.lr_scheduler_type,
        max_grad_norm=recipe.max_grad_norm,
        bf16=uses_bf16(recipe),
        use_cpu=not torch.cuda.is_available(),
        # Every parameter takes part in every batch (training/loop/distributed.py).
        ddp_find_unused_parameters=False,
        logging_steps=recipe.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_every,
        eval_strategy="steps" if metric else "no",
        eval_steps=recipe.save_every,
        load_best_model_at_end=recipe.load_best_model_at_end,
        metric_for_best_model=metric if chooses(recipe) else None,
        greater_is_better=metric.endswith("accuracy"),
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,  # training/watch/journal.py has its own bar
        log_level="warning",
        report_to=list(recipe.report_to) or "none",
        run_name=Path(recipe.output).name,
        seed=recipe.seed,
        data_seed=recipe.seed,
    )
