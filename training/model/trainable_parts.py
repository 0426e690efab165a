"""Model parts that can be trained or frozen independently: learning rates, adapters, files.

The parts are the image backbone, the tower's progressive layers on it (any other encoder is one
part, `tower`), the compressor, the class word embeddings and the language model. Each is trained in
full, through adapters (LoRA, peft), or not at all. A CNN stays frozen: its batch norms are folded.
What an encoder's method freezes stays frozen. Only trained weights are written, so a checkpoint of
the embedded model has 36 MB instead of 300; weights that an earlier stage trained and this one
freezes are included.
"""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from training.checkpoints.full_tensors import (
    fill_parameter,
    full_parameter,
    read_tensors,
    write_tensors,
)
from training.model.unread_parameters import unread_parameters
from training.recipe import PARTS, Lora, Recipe, recipe_values
from vlm.encoders import frozen_parameters
from vlm.encoders.backbones import backbone_class
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.model import PVCForConditionalGeneration

ADAPTER, RECIPE = "adapter_config.json", "recipe.json"


def part_of(name: str) -> str:
    """Returns the part that a parameter of this name belongs to."""
    part = "backbone" if name.startswith("tower.backbone.") else name.partition(".")[0]
    assert part in PARTS, name
    return part


def checkpoint_name(name: str) -> str:
    """A parameter's name without adapters around it; for an adapter, the name that peft writes."""
    return name.replace(".default.", ".").replace(".base_layer.", ".")


def prepare_parts(model: PVCForConditionalGeneration, recipe: Recipe) -> None:
    """Freezes and unfreezes parts, adds adapters, and converts trained parameters to float32."""
    has_backbone = isinstance(model.tower, ProgressiveEncoder)
    if "backbone" in recipe.freeze and not has_backbone:
        encoder = model.config.tower_config.encoder
        raise ValueError(f"`freeze` names backbone, and the tower is {encoder}: freeze `tower`")
    if recipe.tower_lora and not any(isinstance(m, nn.Linear) for m in model.tower.modules()):
        encoder = model.config.tower_config.encoder
        raise ValueError(
            f"`tower_lora` needs linear layers, and {encoder} has only convolutions: set it to null"
        )
    # An encoder that trains adapters on a frozen base keeps the base frozen.
    kept = frozen_parameters(model.config.tower_config) | unread_parameters(model.config)
    base = {f"tower.{name}" for name in kept}
    model.requires_grad_(False)
    if recipe.lora is not None:
        add_lora(model.language_model, recipe.lora)
    if recipe.tower_lora is not None:
        add_lora(model.tower, recipe.tower_lora)
    if recipe.compressor_lora is not None:
        add_lora(model.compressor, recipe.compressor_lora)
    for name, parameter in model.named_parameters():
        trained = checkpoint_name(name) not in base and is_trained(name, model, recipe)
        parameter.requires_grad_(trained)  # adapters come unfrozen
        if trained:
            parameter.data = parameter.data.float()
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("this recipe freezes every part: take one out of `freeze`")


def is_trained(name: str, model: PVCForConditionalGeneration, recipe: Recipe) -> bool:
    """Returns whether this recipe trains the parameter of this name."""
    part = part_of(name)
    if part in recipe.freeze:
        return False
    if part == "language_model" and recipe.objective == "words":
        return False
    if recipe.adapters(part) is not None:
        return ".lora_" in name
    if part == "backbone":
        return backbone_class(model.config.tower_config.backbone.name).trainable
    return part != "language_model" or recipe.train_language_model


def add_lora(module: nn.Module, lora: Lora) -> None:
    """Adds adapters to every linear layer except heads (`lm_head`, a CNN's classifier)."""
    heads = ("lm_head", "backbone.classifier")
    layers = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and name not in heads
    ]
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=layers
    )
    inject_adapter_in_model(config, module)


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Optimizer groups by the learning rates of the parts; no weight decay on vectors."""
    rates = {
        "backbone": recipe.backbone_learning_rate,
        "compressor": recipe.compressor_learning_rate,
        "concepts": recipe.concept_learning_rate,
        "language_model": recipe.language_learning_rate,
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        chosen = rates.get(part_of(name))
        rate = recipe.learning_rate if chosen is None else chosen
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, and running statistics of a BatchNorm, by their names in checkpoints."""
    named: dict[str, Tensor] = {checkpoint_name(n): p for n, p in model.named_parameters()}
    norms = (nn.BatchNorm2d, nn.BatchNorm3d)
    for path, module in model.named_modules():
        if isinstance(module, norms):
            named |= {checkpoint_name(f"{path}.{n}"): b for n, b in module.named_buffers()}
    return named


def trained_parameters(model: nn.Module) -> dict[str, Tensor]:
    """Returns the tensors to save: trained here, or by an earlier stage (`model.carried`)."""
    carried: set[str] = getattr(model, "carried", set())
    named = named_tensors(model)
    return {n: p for n, p in named.items() if p.requires_grad or n in carried}


def save_trained(model: PVCForConditionalGeneration, folder: Path | None, recipe: Recipe) -> None:
    """Saves the trained parameters, and what is needed to load them.

    Collective: every process calls this; those that do not write pass no folder.
    """
    write_tensors(((n, full_parameter(p)) for n, p in trained_parameters(model).items()), folder)
    if folder is None:
        return
    model.config.save_pretrained(folder)
    if recipe.lora is not None:
        settings = {"r": recipe.lora.rank, "lora_alpha": recipe.lora.alpha}
        (folder / ADAPTER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
    values = json.dumps(recipe_values(recipe), indent=1)
    (folder / RECIPE).write_text(values + "\n", encoding="utf-8")


def load_trained(model: nn.Module, folder: Path) -> None:
    """Loads what `save_trained` wrote into a model of the same recipe.

    Raises ValueError if a parameter is missing or left over; the model is then unchanged.
    """
    found = read_tensors(folder)
    named = named_tensors(model)
    trained = {name for name, parameter in named.items() if parameter.requires_grad}
    missing, left_over = trained - found.keys(), found.keys() - named.keys()
    if missing or left_over:
        raise ValueError(
            f"{folder} does not fit this recipe; missing: {sorted(missing)[:5]}; "
            f"left over: {sorted(left_over)[:5]}"
        )
    _fill(model, named, found, folder)


def start_from(model: nn.Module, folder: Path) -> None:
    """Loads what an earlier stage trained; other parameters keep their initial values."""
    found = read_tensors(folder)
    named = named_tensors(model)
    left_over = sorted(found.keys() - named.keys())
    if any(".lora_" in name for name in left_over):
        raise ValueError(
            f"{folder} holds adapters that this recipe does not have; start from the finished "
            f"model instead: `model: {folder.parent / 'model'}` and no `start_from`"
        )
    if left_over:
        raise ValueError(f"{folder} was trained on another model; left over: {left_over[:5]}")
    _fill(model, named, found, folder)


def _fill(
    model: nn.Module, named: dict[str, Tensor], found: dict[str, Tensor], folder: Path
) -> None:
    for name, tensor in found.items():
        if named[name].shape != tensor.shape:
            raise ValueError(
                f"{folder}: {name} has the shape {tuple(tensor.shape)}, "
                f"this model has {tuple(named[name].shape)}"
            )
    for name, tensor in found.items():
        if named[name].dtype != torch.float32 and named[name].is_floating_point():
            named[name].data = named[name].data.float()
        fill_parameter(named[name], tensor)
    model.carried = set(found)  # type: ignore[assignment]


def merge_lora(model: nn.Module) -> None:
    """Merges the adapters into the weights of their layers, and removes them."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "base_layer") and hasattr(module, "merge"):
            module.merge()
            parent = model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], module.get_base_layer())
