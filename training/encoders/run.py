"""Trains a vision encoder alone, from its recipe to a folder that is loaded.

    clips -> objective -> the assistant's trainer -> checkpoints -> classifier/ and trained/

Checkpoints, resuming, the quarantine, the nonfinite guard and the curves are those of the
assistant's stages (training/loop/reproducible_trainer.py). The result is a classifier
(`vlm.heads.classification.load_classifier`). Its tower can continue in an assistant: `start_from:
runs/clips` in a recipe whose model has the same tower.
"""

import json
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.utils import logging

from training.checkpoints.best import load_best, num_steps
from training.checkpoints.content_digests import encoder_digests, weights_digests
from training.checkpoints.full_tensors import write_tensors
from training.checkpoints.resume import find_resume_checkpoint
from training.checkpoints.run_identity import LOOP_VERSION
from training.encoders.objectives import Objective, objective_class
from training.encoders.recipe import EncoderRecipe
from training.encoders.tower import BuiltTower, build, resolved
from training.encoders.trainer import EncoderTrainer, per_step
from training.loop.arguments import chooses
from training.loop.distributed import num_processes, print_rank0
from training.loop.signals import StopOnSignal, train_until_stopped
from training.watch.journal import Journal, ProgressBar
from vlm.weights.io.cache import build_atomically


def train(recipe: EncoderRecipe, resume: bool = True, allow_changes: bool = False) -> Path:
    """Trains the encoder and returns its folder. Raises StoppedError after a signal."""
    logging.disable_progress_bar()
    output, recipe = Path(recipe.output), resolved(recipe)
    objective = read_objective(recipe)
    recipe = with_steps(recipe, objective, per_step(recipe))
    identity = fingerprint(recipe, objective)
    checkpoint = find_resume_checkpoint(output, identity, allow_changes) if resume else None
    built = build(recipe)
    torch.manual_seed(recipe.seed)
    model = objective.model(built)
    steps = num_steps(recipe.steps, recipe.early_stopping_patience, checkpoint)
    recipe = replace(recipe, steps=steps)
    print_plan(recipe, objective, model)
    stop = StopOnSignal()
    callbacks = [ProgressBar(), Journal(output), stop]
    trainer = EncoderTrainer(model, recipe, objective, built, identity, callbacks)
    train_until_stopped(trainer, stop, checkpoint)
    return save_result(trainer, objective, built, output)


def read_objective(recipe: EncoderRecipe) -> Objective:
    """Returns the objective of a recipe with its data.

    Raises ValueError if nothing is left to train on.
    """
    objective = objective_class(recipe.objective).read(recipe)
    place = recipe.folder or recipe.data or "`tasks`"
    if not objective.num_samples:
        raise ValueError(
            f"all {objective.num_held} clips of {place} are held out; lower `held_out`"
        )
    if not objective.num_held and chooses(recipe):
        raise ValueError(
            f"none of {objective.num_samples} clips of {place} is held out; raise `held_out`"
        )
    return objective


def with_steps(recipe: EncoderRecipe, objective: Objective, samples: int) -> EncoderRecipe:
    """Returns the recipe with the steps of its epochs, of so many `samples` a step."""
    if recipe.num_epochs is None:
        return recipe
    return replace(recipe, steps=ceil(recipe.num_epochs * objective.num_samples / samples))


def print_plan(recipe: EncoderRecipe, objective: Objective, model: nn.Module) -> None:
    """Prints the size of the run before it starts."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    print_rank0(
        f"{recipe.steps} steps of {per_step(recipe)} clips; {objective.summary()}; training "
        f"{trained:,} of {total:,} parameters; writing to {recipe.output}"
    )


def save_result(
    trainer: EncoderTrainer, objective: Objective, built: BuiltTower, output: Path
) -> Path:
    """Writes the result, and trained/ for `start_from` in an assistant's recipe."""
    step, result = load_best(trainer), output / objective.folder
    model = trainer.accelerator.unwrap_model(trainer.model)
    if trainer.is_world_process_zero():

        def tower_alone(folder: Path) -> None:
            tensors = model.tower.state_dict().items()
            write_tensors(((f"tower.{n}", t.detach().cpu()) for n, t in tensors), folder)

        source = {"step": str(step)}
        build_atomically(output / "trained", source, tower_alone)
        build_atomically(result, source, lambda folder: objective.save(model, built, folder))
        print_rank0(f"The result is in {result}; the curves in {output}/curves.png.")
        if summary := trainer.quarantine.summary():
            print_rank0(summary)
    trainer.accelerator.wait_for_everyone()
    return result


def fingerprint(recipe: EncoderRecipe, objective: Objective) -> dict[str, Any]:
    """Returns everything that must be equal in a resumed run (run_identity.py)."""
    values = asdict(recipe) | {"samples_per_step": per_step(recipe)}
    if objective.mean_of_batch:  # samples compare with each other: how they are grouped counts
        values["samples_per_micro_batch"] = recipe.batch_size * num_processes()
    fresh = recipe.preset or recipe.encoder
    identity = {
        "recipe": values,
        "data": objective.digests(),
        "weights": weights_digests("" if fresh else recipe.model)
        | encoder_digests(recipe.weights)
        | encoder_digests(recipe.text_weights),
        "media": {},
        "loop": LOOP_VERSION,
    }
    return json.loads(json.dumps(identity))
