"""Which parts of a model are trained, with what learning rate, and how they are written down.

The backbone under the progressive layers stays frozen where it is a CNN; the language model is
trained through adapters (LoRA, peft) or whole. What was trained is written alone, so that a
checkpoint of the embedded model is 36 MB and not 300.
"""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.recipe import Lora, Recipe
from vlm.model import PVCForConditionalGeneration

WEIGHTS, ADAPTER = "model.safetensors", "adapter_config.json"


def prepare_parts(model: PVCForConditionalGeneration, recipe: Recipe) -> None:
    """Freeze and thaw, add adapters, keep what is trained in fp32."""
    model.requires_grad_(False)
    if recipe.lora is not None:
        add_lora(model.language_model, recipe.lora)
    for name, parameter in model.named_parameters():
        ours = not name.startswith(("language_model.", "tower.backbone."))
        vit = name.startswith("tower.backbone.") and model.config.tower_config.backbone == "vit"
        language = name.startswith("language_model.") and (
            ".lora_" in name or recipe.train_language_model
        )
        if recipe.objective == "words":
            language = False
        if ours or vit or language:
            parameter.requires_grad_(True)
            parameter.data = parameter.data.float()


def add_lora(language_model: nn.Module, lora: Lora) -> None:
    """Adapters beside every linear layer of the blocks; the head stays as it is."""
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        exclude_modules=["lm_head"],
        task_type="CAUSAL_LM",
    )
    inject_adapter_in_model(config, language_model)


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Optimizer groups: ours, the language model's, the concepts'; no decay on vectors."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = recipe.learning_rate
        if name.startswith("language_model."):
            rate = recipe.language_learning_rate
        elif name.startswith("concepts."):
            rate = recipe.concept_learning_rate
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def trained_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The trained parameters by name, adapters under peft's plain names (`...lora_A.weight`)."""
    return {
        name.replace(".default.", "."): parameter.detach().clone().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def save_trained(model: PVCForConditionalGeneration, folder: Path, lora: Lora | None) -> None:
    """Write what was trained, and what it needs to be read again."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / (WEIGHTS + ".part")
    save_file(trained_tensors(model), unfinished)
    unfinished.replace(folder / WEIGHTS)
    model.config.save_pretrained(folder)
    if lora is not None:
        settings = {"r": lora.rank, "lora_alpha": lora.alpha}
        (folder / ADAPTER).write_text(json.dumps(settings) + "\n", encoding="utf-8")


def load_trained(model: nn.Module, folder: Path) -> None:
    """Read what `save_trained` wrote into a model prepared in the same way, whole or not at all.

    Adapters stay as they begin when the stage before trained none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise ValueError(f"{folder} holds no trained weights ({WEIGHTS} is missing)")
    found = load_file(path)
    wanted = {
        name.replace(".default.", "."): parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    if not any(".lora_" in name for name in found):
        wanted = {name: p for name, p in wanted.items() if ".lora_" not in name}
    missing, left_over = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    if missing or left_over:
        raise ValueError(
            f"{path} does not fit this recipe; missing: {sorted(missing)[:5]}; "
            f"left over: {sorted(left_over)[:5]}"
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            if parameter.shape != found[name].shape:
                raise ValueError(
                    f"{path}: {name} has the shape {tuple(found[name].shape)}, "
                    f"this model wants {tuple(parameter.shape)}"
                )
            parameter.copy_(found[name])


def merge_lora(model: PVCForConditionalGeneration) -> None:
    """Put the adapters into the weights they stand beside, and take them out."""
    for name, module in list(model.language_model.named_modules()):
        if hasattr(module, "base_layer") and hasattr(module, "merge"):
            module.merge()
            parent = model.language_model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], module.get_base_layer())
