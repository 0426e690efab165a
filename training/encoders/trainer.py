"""Trains an encoder and its head in the loop that trains the assistant."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import TrainerCallback

from training.checkpoints.best import early_stopping
from training.checkpoints.full_tensors import (
    fill_parameter,
    full_parameter,
    read_tensors,
    write_tensors,
)
from training.encoders.objectives import Objective
from training.encoders.recipe import EncoderRecipe
from training.encoders.tower import BuiltTower
from training.loop.arguments import training_arguments
from training.loop.distributed import num_processes
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.watch.quarantine import QuarantineCallback


class EncoderTrainer(ReproducibleTrainer):
    """Minimizes an objective's loss; measures its score on held-out samples."""

    def __init__(
        self,
        model: nn.Module,
        recipe: EncoderRecipe,
        objective: Objective,
        built: BuiltTower,
        fingerprint: dict[str, Any],
        callbacks: list[TrainerCallback],
    ) -> None:
        self.recipe, self.objective, self.built = recipe, objective, built
        self.group_scores: dict[str, float] = {}
        self.held = objective.held_data(built) if objective.num_held else None
        dataset = objective.training_data(built, recipe.steps * per_step(recipe))
        self.quarantine = QuarantineCallback(recipe, dataset)
        super().__init__(
            model,
            training_arguments(recipe, objective.metric if self.held is not None else ""),
            fingerprint,
            recipe.save_total_limit,
            recipe.max_skipped,
            [self.quarantine, *early_stopping(recipe.early_stopping_patience), *callbacks],
            data_collator=objective.collator(built),
            eval_dataset=self.held,
            train_dataset=dataset,
        )
        self.model_accepts_loss_kwargs = True  # `compute_loss` divides by the samples of a step

    def parameter_groups(self) -> list[dict[str, Any]]:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return [
            {
                "params": [p for p in trained if (p.ndim > 1) == decays],
                "lr": self.recipe.learning_rate,
                "weight_decay": self.recipe.weight_decay if decays else 0.0,
            }
            for decays in (True, False)
        ]

    def write_weights(self, folder: Path | None) -> None:
        model = self.accelerator.unwrap_model(self.model)
        write_tensors(((n, full_parameter(t)) for n, t in changing(model).items()), folder)

    def read_weights(self, folder: Path) -> None:
        fill(changing(self.accelerator.unwrap_model(self.model)), read_tensors(folder))

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> Tensor | None:
        """Returns the usable samples of a step, over its accumulation steps and all processes."""
        count = sum(batch["valid"].sum() for batch in batch_samples)
        if not isinstance(count, Tensor):
            return None  # no batch is left
        return self.accelerator.reduce(count.to(device), reduction="sum")

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Returns the mean over the usable samples of a step, however it is divided."""
        self.quarantine.take(inputs)
        outputs = model(**self.objective.model_inputs(inputs))
        inner = self.accelerator.unwrap_model(model)
        losses = self.objective.losses(outputs, inputs, inner) * inputs["valid"]
        if self.objective.mean_of_batch:
            loss = self._share_of_step(losses.sum(), inputs["valid"].sum(), inner)
        else:
            count = inputs["valid"].sum() if num_items_in_batch is None else num_items_in_batch
            loss = losses.sum() / count.clamp(min=1) * self.accelerator.num_processes
        return (loss, {"outputs": outputs}) if return_outputs else loss

    def _share_of_step(self, total: Tensor, usable: Tensor, model: nn.Module) -> Tensor:
        """The mean of a micro-batch over all processes, divided by the micro-batches of a step.

        A micro-batch of one task leaves the heads of others without a gradient, and processes wait
        for one of every parameter: it is zero. Each has a tensor of its own, to which the next
        micro-batches add: the gradients of `p.sum()` would be one tensor for all scalars.
        """
        count = self.accelerator.reduce(usable, reduction="sum").clamp(min=1)
        idle = sum((p * 0.0).sum() for p in model.parameters() if p.requires_grad)
        share = self.accelerator.num_processes / self.args.gradient_accumulation_steps
        return total / count * share + idle

    def held_out_metrics(self, model: Any) -> dict[str, float]:
        self.group_scores = {}
        score = self.score(model)
        named = {f"held_out_{name}": value for name, value in self.group_scores.items() if name}
        return {self.objective.metric: score, **named}

    def score(self, model: nn.Module) -> float:
        """The mean score of the held-out samples; each process computes all, since they are few.

        Of several groups of samples, the mean of their means, which `group_scores` keeps.
        """
        model.eval()
        inner = self.accelerator.unwrap_model(model)
        found: dict[str, list[Tensor]] = {}
        assert self.held is not None
        for batch in DataLoader(self.held, self.recipe.batch_size, collate_fn=self.data_collator):
            batch = self._prepare_inputs(batch)
            with torch.no_grad(), self.compute_loss_context_manager():
                outputs = model(**self.objective.model_inputs(batch))
                scores = self.objective.scores(outputs, batch, inner)
            counted = batch["valid"] & ~scores.isnan()
            found.setdefault(self.objective.group(batch), []).append(scores[counted].cpu())
        means = {name: torch.cat(parts) for name, parts in found.items()}
        self.group_scores = {n: float(s.mean()) if len(s) else 0.0 for n, s in means.items()}
        return sum(self.group_scores.values()) / max(len(self.group_scores), 1)


def per_step(recipe: EncoderRecipe) -> int:
    """Samples of one step over all processes."""
    return recipe.samples_per_process * num_processes()


def changing(model: nn.Module) -> dict[str, Tensor]:
    """What training changes: trained parameters and running statistics, by name."""
    named = model.named_parameters()
    return {n: p for n, p in named if p.requires_grad} | dict(model.named_buffers())


def fill(tensors: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Copies values into tensors of the same names; ValueError if one is missing."""
    if missing := sorted(tensors.keys() - found.keys()):
        raise ValueError(f"the checkpoint lacks {missing[:5]}")
    for name, tensor in tensors.items():
        fill_parameter(tensor, found[name])
