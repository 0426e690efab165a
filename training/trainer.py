"""Trains the assistant's model: its parts, its two objectives, batches of mixed media."""

from pathlib import Path
from typing import Any

from torch import nn
from torch.distributed.fsdp import FSDPModule, register_fsdp_forward_method
from transformers import TrainerCallback

from data.samples.collate import Collator
from data.samples.dataset import RecordDataset
from data.samples.packing import PackedDataset
from training.loop.arguments import training_arguments
from training.loop.distributed import with_visual_tokens
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.model.trainable_parts import (
    checkpoint_name,
    load_trained,
    parameter_groups,
    save_trained,
)
from training.recipe import Recipe
from training.watch.held_out import held_out_loss
from training.watch.quarantine import QuarantineCallback
from training.watch.samples import SampleAnswers
from training.word_loss import WordLoss
from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.pvc import ProgressiveBlock
from vlm.model import PVCForConditionalGeneration

WORD_WEIGHT = 0.5  # of the word loss, relative to the loss of answers


class PVCTrainer(ReproducibleTrainer):
    """Trains a prepared model (training/model/trainable_parts.py) in the dataset's order."""

    def __init__(
        self,
        model: PVCForConditionalGeneration,
        recipe: Recipe,
        dataset: RecordDataset | PackedDataset,
        collator: Collator,
        fingerprint: dict[str, Any] | None = None,
        held_out: RecordDataset | None = None,
        samples: SampleAnswers | None = None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        self.recipe, self.held_out, self.samples = recipe, held_out, samples
        self.word_loss = WordLoss(model, dataset) if recipe.objective != "answers" else None
        self.quarantine = QuarantineCallback(recipe, dataset)
        if recipe.compile:
            compile_blocks(model)
        super().__init__(
            model,
            training_arguments(recipe),
            fingerprint or {},
            recipe.save_total_limit,
            recipe.max_skipped,
            [self.quarantine, *(callbacks or [])],
            train_dataset=dataset,
            data_collator=collator,
        )
        if self.is_fsdp_enabled:
            if model.tower.cached_backbone is not None:
                raise ValueError("`feature_cache_gb` does not work with FSDP: set it to 0")
            self.accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap = sharded_layers(model)
        if recipe.gradient_checkpointing:
            checkpoint_activations(model)

    def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
        prepared = super()._prepare_for_training(*args, **kwargs)
        register_block_halves(self.model)
        return prepared

    def parameter_groups(self) -> list[dict[str, Any]]:
        return parameter_groups(self.model, self.recipe)

    def checkpoint_name(self, name: str) -> str:
        return checkpoint_name(name)

    def write_weights(self, folder: Path | None) -> None:
        save_trained(self.accelerator.unwrap_model(self.model), folder, self.recipe)

    def read_weights(self, folder: Path) -> None:
        load_trained(self.accelerator.unwrap_model(self.model), folder)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        self.quarantine.take(inputs)
        looks, targets = inputs.pop("looks", []), inputs.pop("targets", [])
        inputs = with_visual_tokens(self.accelerator, model, inputs)
        if self.word_loss is None or not targets:
            return super().compute_loss(model, inputs, return_outputs, **kwargs)
        if self.recipe.objective == "words":
            text = ("input_ids", "attention_mask", "position_ids", "labels")
            outputs = model(**{k: v for k, v in inputs.items() if k not in text})
            answers: Any = 0.0
        else:
            answers, outputs = super().compute_loss(model, inputs, True, **kwargs)
        loss = self.word_loss(outputs.image_hidden_states, looks, targets)
        # The word loss is a mean over samples, so over accumulation steps as well; the loss of
        # answers is already normalized by tokens.
        loss = loss / self.current_gradient_accumulation_steps
        if self.recipe.objective == "both":
            loss = answers + WORD_WEIGHT * loss
        return (loss, outputs) if return_outputs else loss

    def on_checkpoint(self, model: Any) -> None:
        """Logs the loss on held-out records, and writes sample answers."""
        if self.held_out is not None:
            self.log({"held_out_loss": held_out_loss(self, model, self.held_out)})
        if self.samples is not None:
            inner = self.model if self.is_fsdp_enabled else self.accelerator.unwrap_model(model)
            with self.accelerator.autocast():  # answering calls the model's parts, not its forward
                self.samples.answer(inner, self.state.global_step, self.is_world_process_zero())
        model.train()


def checkpoint_activations(model: PVCForConditionalGeneration) -> None:
    """Recomputes the activations inside each block in the backward pass."""
    # transformers 5.2x renamed it; both take torch's arguments first.
    new, old = "activation_checkpointing_enable", "gradient_checkpointing_enable"
    enable: Any = getattr(model, new if hasattr(model, new) else old)
    enable({"use_reentrant": False})


def compile_blocks(model: PVCForConditionalGeneration) -> None:
    """Compiles block by block: quick, and parameters keep their names."""
    blocks = list(model.language_model.get_decoder().layers)
    blocks += [m for m in model.tower.modules() if isinstance(m, ViTBlock)]
    for block in blocks:
        block.compile(dynamic=True)


def sharded_layers(model: PVCForConditionalGeneration) -> list[str]:
    """Class names of the layers that FSDP gathers one at a time; the rest is gathered at once."""
    layers: list[nn.Module] = list(model.language_model.get_decoder().layers)
    tower: Any = model.tower
    layers += [*getattr(tower.backbone, "layers", []), *tower.blocks]
    return sorted({type(layer).__name__ for layer in layers})


def register_block_halves(model: nn.Module) -> None:
    """Makes FSDP gather weights for `encode` and for each half of a progressive layer.

    A progressive layer is not called itself; its two halves are.
    """
    if isinstance(model, FSDPModule):
        register_fsdp_forward_method(model, "encode")
    for layer in model.modules():
        if isinstance(layer, ProgressiveBlock) and isinstance(layer, FSDPModule):
            for half in ("spatial_attention", "temporal_attention_and_mlp"):
                register_fsdp_forward_method(layer, half)
