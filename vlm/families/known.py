"""The published models that are known by name: their size before anything is downloaded."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import torch
from torch import nn

from vlm.families.published import published_configs
from vlm.fit.estimate import meta_model, weight_bytes
from vlm.image_text.fit import whole_meta_model
from vlm.image_text.published import WHOLE
from vlm.presets import preset_config

PVC = "OpenGVLab/PVC-InternVL2-8B"
TRANSFORMERS_FORM = "-hf"  # ends the name of the same weights in transformers' format
SAVED = torch.bfloat16  # format of the downloads


def known_names() -> list[str]:
    """Returns the names, PVC's own model first."""
    return list(_models())


def known_model(name: str) -> nn.Module | None:
    """Builds a model on the meta device, without weights; None if the name is unknown."""
    models = _models()
    if name.lower().endswith(TRANSFORMERS_FORM) and name not in models:
        name = name[: -len(TRANSFORMERS_FORM)]
    return models[name]() if name in models else None


def download_bytes(name: str) -> int | None:
    """Returns the bytes of a model's published weights; None if the name is unknown."""
    model = known_model(name)
    return None if model is None else weight_bytes(model, SAVED)


def similar_name(name: str) -> str | None:
    """Returns the known name most like one given with or without its owner; None if none is."""
    whole = {known.lower(): known for known in known_names()}
    short = {lower.partition("/")[2]: known for lower, known in whole.items()}
    table = whole if "/" in name else short
    begun = [key for key in table if key.startswith(name.lower())]
    found = begun or difflib.get_close_matches(name.lower(), table, n=1, cutoff=0.75)
    return table[found[0]] if found else None


def _models() -> dict[str, Callable[[], nn.Module]]:
    models: dict[str, Callable[[], nn.Module]] = {
        PVC: lambda: meta_model(preset_config("pvc-internvl2-8b"))
    }
    for name, config in published_configs().items():
        models[name] = lambda config=config: meta_model(config())  # type: ignore[misc]
    for name, whole in WHOLE.items():
        models[name] = lambda whole=whole: whole_meta_model(whole.config())  # type: ignore[misc]
    return models
