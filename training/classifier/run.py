"""Trains a vision encoder under a classification head on clips in folders (training/encoders.py).

It shares the assistant's trainer (training/loop/reproducible_trainer.py), so checkpoints, resuming,
the nonfinite guard and the curves are the same. The result is a classifier
(`vlm.heads.classification.load_classifier`). Its tower can continue in an assistant: `start_from:
runs/clips` in a recipe whose model has the same tower.
"""

from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate

from data.clip_folders import ClipDataset, LabeledClip, epoch_order, find_clips, split_held_out
from training.checkpoints.best import early_stopping, load_best, num_steps
from training.checkpoints.content_digests import weights_digests
from training.checkpoints.full_tensors import (
    fill_parameter,
    full_parameter,
    read_tensors,
    write_tensors,
)
from training.checkpoints.run_identity import LOOP_VERSION, file_fingerprint
from training.classifier.recipe import EncoderRecipe
from training.loop.arguments import chooses, training_arguments
from training.loop.distributed import num_processes, print_rank0
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.loop.signals import StopOnSignal, train_until_stopped
from training.model.initial_model import load_initial_model
from training.run import find_resume_checkpoint
from training.watch.journal import Journal, ProgressBar
from vlm.encoders import build_tower
from vlm.encoders.config import TowerConfig
from vlm.heads.classification import VideoClassifier, save_classifier
from vlm.presets import preset_config
from vlm.weights.io.cache import build_atomically


class EncoderTrainer(ReproducibleTrainer):
    """Cross-entropy on a clip's class, accuracy on held-out clips with every checkpoint."""

    def __init__(self, recipe: EncoderRecipe, held_out: ClipDataset, **options: Any) -> None:
        self.recipe, self.held_out = recipe, held_out
        arguments = training_arguments(recipe, "held_out_accuracy" if len(held_out) else "")
        super().__init__(
            args=arguments,
            save_total_limit=recipe.save_total_limit,
            max_skipped=recipe.max_skipped,
            data_collator=default_collate,
            eval_dataset=held_out if len(held_out) else None,
            **options,
        )

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
        named = self.accelerator.unwrap_model(self.model).named_parameters()
        write_tensors(((name, full_parameter(p)) for name, p in named), folder)

    def read_weights(self, folder: Path) -> None:
        found = read_tensors(folder)
        for name, parameter in self.accelerator.unwrap_model(self.model).named_parameters():
            fill_parameter(parameter, found[name])

    def compute_loss(
        self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        logits = model(inputs["clip"], inputs["times"])
        loss = F.cross_entropy(logits.float(), inputs["label"])
        return (loss, {"logits": logits}) if return_outputs else loss

    def held_out_metrics(self, model: Any) -> dict[str, float]:
        return {"held_out_accuracy": self.accuracy(model)}

    def accuracy(self, model: nn.Module) -> float:
        """Accuracy on held-out clips; each process computes all, since they are few."""
        model.eval()
        right = 0
        loader = DataLoader(self.held_out, self.recipe.batch_size)
        for batch in loader:
            batch = self._prepare_inputs(batch)
            with torch.no_grad(), self.compute_loss_context_manager():
                predictions = model(batch["clip"], batch["times"]).argmax(dim=-1)
            right += int((predictions == batch["label"]).sum())
        return right / len(self.held_out)


def train(recipe: EncoderRecipe, resume: bool = True, allow_changes: bool = False) -> Path:
    """Trains the classifier and returns its folder. Raises StoppedError after a signal."""
    output, folder = Path(recipe.output), Path(recipe.folder)
    clips, classes = find_clips(folder)
    trained_on, held = split_held_out(clips, recipe.held_out, folder)
    if not trained_on:
        raise ValueError(f"all {len(clips)} clips of {folder} are held out; lower `held_out`")
    if not held and chooses(recipe):
        raise ValueError(f"none of {len(clips)} clips of {folder} is held out; raise `held_out`")
    size = recipe.samples_per_process * num_processes()
    if recipe.num_epochs is not None:
        recipe = replace(recipe, steps=ceil(recipe.num_epochs * len(trained_on) / size))
    identity = fingerprint(recipe, clips)
    checkpoint = find_resume_checkpoint(output, identity, allow_changes) if resume else None
    model, config = build(recipe, len(classes))
    steps = num_steps(recipe.steps, recipe.early_stopping_patience, checkpoint)
    print_rank0(
        f"{steps} steps of {size} clips; {len(trained_on)} of {len(classes)} classes to "
        f"train on, {len(held)} held out; writing to {recipe.output}"
    )
    order = epoch_order(trained_on, steps * size, recipe.seed)
    stop = StopOnSignal()
    trainer = EncoderTrainer(
        replace(recipe, steps=steps),
        ClipDataset(held, config, recipe.num_frames),
        model=model,
        fingerprint=identity,
        callbacks=[
            *early_stopping(recipe.early_stopping_patience),
            ProgressBar(),
            Journal(output),
            stop,
        ],
        train_dataset=ClipDataset(order, config, recipe.num_frames),
    )
    train_until_stopped(trainer, stop, checkpoint)
    return save_result(trainer, config, classes, output)


def build(recipe: EncoderRecipe, num_classes: int) -> tuple[VideoClassifier, TowerConfig]:
    """A classifier with a fresh head on a saved or fresh tower, and the tower's config."""
    torch.manual_seed(recipe.seed)
    if recipe.preset:
        config = preset_config(recipe.preset).tower_config
        tower = build_tower(config)
    else:
        saved, _ = load_initial_model(recipe.model, recipe.seed, torch.float32)
        config, tower = saved.config.tower_config, saved.tower
    model = VideoClassifier(tower, num_classes, recipe.dropout)
    if recipe.freeze_backbone:
        tower.backbone.requires_grad_(False)
    return model, config


def save_result(
    trainer: EncoderTrainer, config: TowerConfig, classes: list[str], output: Path
) -> Path:
    """Writes classifier/, and trained/ for `start_from` in an assistant's recipe."""
    step = load_best(trainer)
    model = trainer.accelerator.unwrap_model(trainer.model)
    if trainer.is_world_process_zero():

        def tower_alone(folder: Path) -> None:
            named = model.named_parameters()
            write_tensors(((n, p.detach()) for n, p in named if n.startswith("tower.")), folder)

        source = {"step": str(step)}
        build_atomically(output / "trained", source, tower_alone)
        build_atomically(
            output / "classifier",
            source,
            lambda folder: save_classifier(model, config, classes, folder),
        )
        print_rank0(
            f"The classifier is in {output / 'classifier'}; the curves in {output}/curves.png."
        )
    trainer.accelerator.wait_for_everyone()
    return output / "classifier"


def fingerprint(recipe: EncoderRecipe, clips: list[LabeledClip]) -> dict[str, Any]:
    """Everything that must be equal in a resumed run (run_identity.py)."""
    values = asdict(recipe) | {"report_to": list(recipe.report_to)}
    values["samples_per_step"] = recipe.samples_per_process * num_processes()
    root = Path(recipe.folder)
    data = {clip.path.relative_to(root).as_posix(): file_fingerprint(clip.path) for clip in clips}
    model = "" if recipe.preset else recipe.model
    return {
        "recipe": values,
        "data": data,
        "weights": weights_digests(model),
        "media": {},
        "loop": LOOP_VERSION,
    }
