"""Loads a model folder: its number format, its device, its card.

Before anything is loaded, `vlm.fit.verdict` compares what the model needs with what is free.
Weights that cannot fit are refused, unless `anyway` is set.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from vlm.config import PVCConfig
from vlm.fit.device_map import device_map as map_devices
from vlm.fit.device_map import free_memory, pooled
from vlm.fit.estimate import Load, estimate, meta_model
from vlm.fit.hardware import checked_device, default_dtype, memory_of
from vlm.fit.quantize import backend, quantization
from vlm.fit.verdict import LoadOptions, MediaOptions, check_fit
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.io.files import cache_dir
from vlm.weights.shipped import SHIPPED

Announce = Callable[[str], None]
CARD = "card.json"  # beside the weights: name, knows, limits
EMBEDDED_CARD = {
    "name": "Revisit embedded",
    "knows": "objects and animals of ImageNet's thousand classes, icons, and simple scenes: colors,"
    " positions, counting to four, motion.",
    "limits": "It was trained in a few hours on two CPU cores: people, small print and reasoning"
    " are beyond it. To use a larger model, name its folder.",
}


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk, before its weights are read."""

    path: Path
    config: PVCConfig
    card: dict[str, Any]


def load_folder(
    path_or_name: str | Path,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    *,
    quantize: str | None = None,
    device_map: str | None = None,
    context: int | None = None,
    anyway: bool = False,
    media_options: MediaOptions | None = None,
    announce: Announce | None = None,
) -> tuple[PVCForConditionalGeneration, PVCProcessor, dict[str, Any]]:
    """Loads a model; returns it with its processor and its card.

    `quantize` is "8bit" or "4bit", `device_map` is "auto"; `context` is the length of a
    conversation in tokens, for the memory estimate. `announce` gets one sentence with what the
    model needs and what is free; `media_options` are the options that its advice may name. Raises
    ValueError if the weights cannot fit.
    """
    folder = find_model(path_or_name)
    target = checked_device(device)
    dtype = dtype or default_dtype(target)
    if quantize:
        backend(quantize, target)  # fails on a missing package before anything is estimated
    load = Load.of(folder.config, context)
    held = LoadOptions(dtype, quantize, load, target, media_options or MediaOptions())
    free = free_memory() if device_map else {}
    fit = check_fit(folder.config, held, pooled(free) if free else memory_of(target))
    if not fit.weights_fit and not anyway and not device_map:
        raise ValueError(f"{folder.card['name']}: {fit.sentence} (--anyway loads it nevertheless.)")
    if announce is not None:
        announce(f"{folder.card['name']}: {fit.sentence}")

    options: dict[str, Any] = {}
    if quantize:
        options |= quantization(quantize, target, dtype)
        if target.type == "cuda":
            options["device_map"] = {"": target}
    if device_map:
        options |= _device_map_options(folder, held, free)
    logging.disable_progress_bar()
    model, processor = sources.load(folder.path, dtype, **options)
    if "device_map" not in options:
        model = model.to(target)
    return model, processor, folder.card


def find_model(path_or_name: str | Path) -> ModelFolder:
    """Finds a model's folder, its config and its card. Raises ValueError if it does not exist."""
    path = sources.resolve(path_or_name)  # this may download or assemble the model first
    if str(path_or_name) == sources.EMBEDDED:
        card, facts = SHIPPED / CARD, EMBEDDED_CARD
    else:
        card, facts = path / CARD, {"name": Path(path_or_name).expanduser().absolute().name}
    if card.is_file():
        facts = facts | json.loads(card.read_text(encoding="utf-8"))
    return ModelFolder(path, sources.config_of(path), facts)


def _device_map_options(
    folder: ModelFolder, held: LoadOptions, free: dict[int | str, int]
) -> dict[str, Any]:
    """Returns the keyword arguments for `from_pretrained` that assign parts to devices."""
    config, dtype = folder.config, held.dtype
    model = meta_model(config)
    need = estimate(config, dtype, held.load, held.quantize, model)
    where = map_devices(model, dtype, need, free, held.quantize)
    options: dict[str, Any] = {"device_map": where}
    if "disk" in where.values():
        options["offload_folder"] = offload_folder(folder.path, dtype, held.quantize)
    return options


def offload_folder(path: Path, dtype: torch.dtype, quantize: str | None) -> Path:
    """Returns the folder for layers on disk: one for each model folder and number format.

    Folders of one name in different places are different models.
    """
    config = (path / "config.json").read_bytes()
    parts = (str(path.resolve()), str(dtype), quantize, config)
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return cache_dir() / "offload" / f"{path.name}-{key}"


def default_card(model: PVCForConditionalGeneration) -> dict[str, Any]:
    """Returns a card for a model that comes without one."""
    return {
        "name": "A model of your own",
        "parameters": f"{round(model.num_parameters() / 1e6):,} M",
        "knows": "what it was trained on.",
        "limits": "It can be wrong.",
    }
