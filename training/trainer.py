"""Trains the assistant's model: its parts, its two objectives, batches of mixed media."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.distributed.fsdp import FSDPModule, register_fsdp_forward_method
from transformers import TrainerCallback

from data.samples.collate import Collator
from data.samples.dataset import RecordDataset
from data.samples.packing import PackedDataset
from training.checkpoints.best import early_stopping
from training.loop.arguments import training_arguments
from training.loop.distributed import max_shapes, with_visual_tokens
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.model.trainable_parts import (
    checkpoint_name,
    load_trained,
    parameter_groups,
    part_of,
    save_trained,
)
from training.recipe import Recipe
from training.watch.held_out import held_out_loss
from training.watch.probe import Probe
from training.watch.quarantine import QuarantineCallback
from training.watch.samples import SampleAnswers
from training.word_loss import WordLoss
from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.pvc import ProgressiveBlock, ProgressiveEncoder
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
        probe: Probe | None = None,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        self.recipe, self.samples, self.probe = recipe, samples, probe
        self.held_out, self.reported = held_out, set[str]()
        self._has_media = False  # of any process, in the current step
        self.word_loss = WordLoss(model, dataset) if recipe.objective != "answers" else None
        self.quarantine = QuarantineCallback(recipe, dataset)
        if recipe.compile:
            compile_blocks(model)
        super().__init__(
            model,
            training_arguments(recipe, "held_out_loss" if held_out is not None else ""),
            fingerprint or {},
            recipe.save_total_limit,
            recipe.max_skipped,
            [self.quarantine, *early_stopping(recipe.early_stopping_patience), *(callbacks or [])],
            train_dataset=dataset,
            eval_dataset=held_out,
            data_collator=collator,
        )
        if self.is_fsdp_enabled:
            if getattr(model.tower, "cached_backbone", None) is not None:
                raise ValueError("`feature_cache_gb` does not work with FSDP: set it to 0")
            self.accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap = sharded_layers(model)
        if recipe.gradient_checkpointing:
            checkpoint_activations(model)

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        prepared = super()._prepare_for_training(
            max_steps, train_dataloader, resume_from_checkpoint
        )
        register_block_halves(self.model)
        if self.probe is not None and resume_from_checkpoint is None:
            with self.answering(self.model_wrapped) as inner:
                self.probe.ask_before(inner)
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
        num_shapes = max_shapes(inputs, self.args.device)
        self._has_media |= num_shapes > 0
        inputs = with_visual_tokens(self.accelerator, model, inputs, num_shapes)
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

    def drop_idle_gradients(self) -> None:
        """In a step of text alone, keeps the optimizer away from tower and compressor.

        Their gradients are zero there (training/loop/distributed.py), and AdamW would move them by
        momentum and weight decay. DeepSpeed takes its steps itself.
        """
        has_media, self._has_media = self._has_media, False
        if has_media or self.loop_version < 2:
            return
        for name, parameter in self.accelerator.unwrap_model(self.model).named_parameters():
            if parameter.grad is not None and part_of(name) != "language_model":
                parameter.grad = None

    def held_out_metrics(self, model: Any) -> dict[str, float]:
        assert self.held_out is not None
        loss = held_out_loss(self, model, self.held_out, self.reported)
        return {"held_out_loss": loss}

    def on_checkpoint(self, model: Any) -> None:
        """Writes sample answers, and asks the probe's questions."""
        if self.samples is not None:
            with self.answering(model) as inner:
                self.samples.answer(inner, self.state.global_step, self.is_world_process_zero())
        if self.probe is not None:
            with self.answering(model) as inner:
                right = self.probe.ask(inner, self.state.global_step)
            self.log({"probe": float(right)})
        model.train()

    @contextmanager
    def answering(self, model: Any) -> Iterator[PVCForConditionalGeneration]:
        """Yields the model inside the wrappers; answering calls its parts, not its forward."""
        inner = self.model if self.is_fsdp_enabled else self.accelerator.unwrap_model(model)
        with self.accelerator.autocast():
            yield inner


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
    """Class names of the layers that FSDP gathers one at a time; the rest is gathered at once.

    Of a tower that is not progressive all is gathered at once: its blocks may be called by parts.
    """
    layers: list[nn.Module] = list(model.language_model.get_decoder().layers)
    if isinstance(model.tower, ProgressiveEncoder):
        layers += [*getattr(model.tower.backbone, "layers", []), *model.tower.blocks]
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
