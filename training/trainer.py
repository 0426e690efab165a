"""The one training loop: transformers' Trainer, taught our parts, our order of data, our files."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainerCallback, TrainingArguments

from data.collate import Collator
from data.packing import PackedDataset
from data.samples import RecordDataset
from training.parts import load_trained, parameter_groups, save_trained
from training.plot import plot_curves
from training.quarantine import QuarantineCallback
from training.recipe import Recipe, recipe_values
from training.words import WordLoss
from vlm.model import PVCForConditionalGeneration

CLIPS = (
    *("pixel_values", "clip_frames", "clip_looks", "timesteps"),
    *("concept_frames", "concept_logits"),
)
WORD_WEIGHT = 0.5  # of the word loss beside the answers'


class PVCTrainer(Trainer):
    """Trains a prepared model on samples in the order the dataset has them."""

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        recipe: Recipe,
        dataset: RecordDataset | PackedDataset,
        collator: Collator,
    ) -> None:
        self.recipe = recipe
        self.word_loss = WordLoss(model, dataset) if recipe.objective != "answers" else None
        self.quarantine = QuarantineCallback(recipe, dataset)
        super().__init__(
            model=model,
            args=training_arguments(recipe),
            train_dataset=dataset,
            data_collator=collator,
            callbacks=[self.quarantine, Journal(Path(recipe.output), recipe.steps)],
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        groups = parameter_groups(self.model, self.recipe)
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        return self.optimizer

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        self.quarantine.take(inputs)
        looks, words, said = (inputs.pop(name, []) for name in ("looks", "words", "said"))
        if self.word_loss is None or not words:
            return super().compute_loss(model, inputs, return_outputs, **kwargs)
        clips = {name: inputs.pop(name) for name in CLIPS if name in inputs}
        visual = model.encode(**clips)
        loss = self.word_loss(visual, looks, words, said)
        if self.recipe.objective == "words":
            return loss
        answers = super().compute_loss(model, {**inputs, "visual_tokens": visual}, **kwargs)
        return answers + WORD_WEIGHT * loss

    def _get_train_sampler(self, *args: Any) -> SequentialSampler:
        """The dataset is already in the order of the run (data/mixture.py)."""
        return SequentialSampler(self.train_dataset)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        save_trained(self.accelerator.unwrap_model(self.model), folder, self.recipe.lora)
        values = json.dumps(recipe_values(self.recipe), indent=1)
        (folder / "recipe.json").write_text(values + "\n", encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        refuse_other_recipe(self.recipe, folder)
        load_trained(self.model, folder)


def training_arguments(recipe: Recipe) -> TrainingArguments:
    """What transformers' Trainer is told of a recipe."""
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(Path(recipe.output) / "tensorboard"))
    return TrainingArguments(
        output_dir=recipe.output,
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        warmup_steps=max(1, round(recipe.warmup * recipe.steps)),
        lr_scheduler_type="cosine",
        max_grad_norm=recipe.max_grad_norm,
        bf16=recipe.bf16,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=["tensorboard"],
        seed=recipe.seed,
        data_seed=recipe.seed,
    )


def refuse_other_recipe(recipe: Recipe, checkpoint: Path) -> None:
    """A run is only resumed with the recipe it was started with."""
    path = checkpoint / "recipe.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(recipe_values(recipe)))
    ignored = ("workers", "save_every", "log_every", "keep")
    changed = [
        f"{key}: {before.get(key)} -> {now.get(key)}"
        for key in now
        if before.get(key) != now.get(key) and key not in ignored
    ]
    if changed:
        raise ValueError(
            f"{checkpoint} was made with another recipe ({'; '.join(changed)}); "
            "take another `output`, or the old values"
        )


class Journal(TrainerCallback):
    """One JSON line for each logged step, and the curves as a picture at the end."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.path = folder / "journal.jsonl"
        self.steps = steps

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            return
        # After a resume the lines past the checkpoint are told anew.
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= state.global_step]
        self.path.write_text("".join(kept), encoding="utf-8")

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
    ) -> None:
        if "loss" in logs:
            line = {"step": state.global_step, **logs}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        plot_curves(self.path, self.path.with_name("curves.png"))
