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
        """The usable samples of a step, over its accumulation steps and all processes."""
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
        """The mean over the usable samples of a step, however it is divided."""
        self.quarantine.take(inputs)
        outputs = model(inputs["clip"], inputs["times"])
        losses = self.objective.losses(outputs, inputs) * inputs["valid"]
        count = inputs["valid"].sum() if num_items_in_batch is None else num_items_in_batch
        loss = losses.sum() / count.clamp(min=1) * self.accelerator.num_processes
        return (loss, {"outputs": outputs}) if return_outputs else loss

    def held_out_metrics(self, model: Any) -> dict[str, float]:
        return {self.objective.metric: self.score(model)}

    def score(self, model: nn.Module) -> float:
        """The mean score of the held-out samples; each process computes all, since they are few."""
        model.eval()
        total = count = 0.0
        assert self.held is not None
        for batch in DataLoader(self.held, self.recipe.batch_size, collate_fn=self.data_collator):
            batch = self._prepare_inputs(batch)
            with torch.no_grad(), self.compute_loss_context_manager():
                outputs = model(batch["clip"], batch["times"])
            scores = self.objective.scores(outputs, batch)
            total += float((scores * batch["valid"]).sum())
            count += float(batch["valid"].sum())
        return total / max(count, 1)


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
