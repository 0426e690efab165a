"""Describes models before they are loaded, and finds the largest that would run here."""

from collections.abc import Sequence
from pathlib import Path

import torch

from vlm.families.known import SAVED, known_model, known_names
from vlm.families.published import published_configs
from vlm.fit.estimate import meta_model, weight_bytes
from vlm.fit.hardware import best_device, default_dtype, gigabytes, memory_of
from vlm.fit.verdict import MARGIN
from vlm.image_text.fit import whole_meta_model
from vlm.image_text.folder import is_image_text, read_config
from vlm.weights import sources

# Larger models that run on a laptop, and with a GPU, in order of size.
LAPTOP = ("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "HuggingFaceTB/SmolVLM2-2.2B-Instruct")
GPU = (*LAPTOP, "OpenGVLab/InternVL3_5-4B", "OpenGVLab/InternVL3_5-8B")
SMALL = 0.4e9  # parameters: a smaller model gets the advice


def offered(chosen: str, named: Sequence[str], on_disk: bool = True) -> list[str]:
    """Returns the current model, those that were named, and with `on_disk` what is here."""
    found = [chosen, *named]
    if on_disk:
        here = (name for name in known_names() if sources.downloaded(name))
        found += [sources.EMBEDDED, *here]
    return list(dict.fromkeys(found))


def needs(name: str) -> str:
    """Returns what a model needs, in a few words; "" if that is unknown. Downloads nothing."""
    try:
        model = _meta(name)
    except (ValueError, OSError):
        return ""
    if model is None:
        return "downloaded when you choose it"
    memory = gigabytes(weight_bytes(model, default_dtype(best_device())))
    size = sum(parameter.numel() for parameter in model.parameters())
    download = "" if _is_here(name) else f", {gigabytes(_saved(model))} to download"
    return f"{size / 1e9:.2f} billion parameters, {memory} of memory{download}"


def larger(parameters: float) -> str:
    """Returns one line on how to get a larger model than one of so many parameters, "" if none.

    It names the largest of a few that fits into the memory that is free.
    """
    device = best_device()
    if parameters >= SMALL:
        return ""
    room, kind = memory_of(device), default_dtype(device)
    for name in reversed(LAPTOP if device.type == "cpu" else GPU):
        model = meta_model(published_configs()[name]())
        weights = weight_bytes(model, kind)
        if weights * MARGIN <= room.free:
            return (
                f"For a larger model, start with `--model {name}`: {gigabytes(_saved(model))} to"
                f" download once, {gigabytes(weights)} of memory; {gigabytes(room.free)} are free"
                f" {room.name}."
            )
    return f"A larger model needs more memory than the {gigabytes(room.free)} free {room.name}."


def _is_here(name: str) -> bool:
    return name == sources.EMBEDDED or Path(name).is_dir() or sources.downloaded(name)


def _meta(name: str) -> torch.nn.Module | None:
    """Builds a model on the meta device; None if only its repository knows its sizes."""
    known = known_model(name)
    if known is not None or not _is_here(name):
        return known
    folder = sources.resolve(name)
    if name != sources.EMBEDDED and is_image_text(folder):
        return whole_meta_model(read_config(folder))
    return meta_model(sources.config_of(folder))


def _saved(model: torch.nn.Module) -> int:
    return weight_bytes(model, SAVED)
