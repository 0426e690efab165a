"""From a folder on disk to a model that can answer: its numbers, its device, its name.

Before anything is loaded it is said what the model will need and what there is
(`vlm.fit.verdict`); weights that cannot fit are refused, unless somebody wants them anyway.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from vlm.config import PVCConfig
from vlm.fit.device_map import device_map as spread
from vlm.fit.device_map import free_memory, pooled
from vlm.fit.estimate import Load, estimate, meta_model
from vlm.fit.hardware import checked_device, default_dtype, memory_of
from vlm.fit.quantize import backend, quantization
from vlm.fit.verdict import LoadOptions, check_fit
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.io.files import cache_dir
from vlm.weights.shipped import SHIPPED

Say = Callable[[str], None]
CARD = "card.json"  # beside the weights: name, knows, limits
EMBEDDED_CARD = {
    "name": "Revisit embedded",
    "knows": "objects and animals of ImageNet's thousand kinds, icons, and simple scenes: colours,"
    " places, counting to four, what moves where.",
    "limits": "It was trained in a few hours on two processor cores: people, small print and"
    " reasoning are beyond it. Name the folder of a larger model to use that instead.",
}


@dataclass(frozen=True)
class Source:
    """A folder that was found, before its weights are read."""

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
    say: Say | None = None,
) -> tuple[PVCForConditionalGeneration, PVCProcessor, dict[str, Any]]:
    """The model, its processor and its card.

    `quantize` is "8bit" or "4bit", `device_map` is "auto"; `context` is how many tokens a
    conversation will hold, for the estimate. `say` is told what is needed and what there is.
    """
    source = find(path_or_name)
    place = checked_device(device)
    dtype = dtype or default_dtype(place)
    if quantize:
        backend(quantize, place)  # what is missing is told before anything is counted
    held = LoadOptions(dtype, quantize, Load.of(source.config, context), place)
    free = free_memory() if device_map else {}
    said = check_fit(source.config, held, pooled(free) if free else memory_of(place))
    if not said.weights_fit and not anyway and not device_map:
        raise ValueError(
            f"{source.card['name']}: {said.sentence} (--anyway loads it all the same.)"
        )
    if say is not None:
        say(f"{source.card['name']}: {said.sentence}")

    options: dict[str, Any] = {}
    if quantize:
        options |= quantization(quantize, place, dtype)
        if place.type == "cuda":
            options["device_map"] = {"": place}
    if device_map:
        options |= _spread(source, held, free)
    logging.disable_progress_bar()
    model, processor = sources.load(source.path, dtype, **options)
    if "device_map" not in options:
        model = model.to(place)
    return model, processor, source.card


def find(path_or_name: str | Path) -> Source:
    """The folder of this name, its config and its card. ValueError, one sentence, if none."""
    path = sources.resolve(path_or_name)  # this may download or assemble the model first
    if str(path_or_name) == sources.EMBEDDED:
        card, facts = SHIPPED / CARD, EMBEDDED_CARD
    else:
        card, facts = path / CARD, {"name": Path(path_or_name).expanduser().absolute().name}
    if card.is_file():
        facts = facts | json.loads(card.read_text(encoding="utf-8"))
    return Source(path, sources.config_of(path), facts)


def _spread(source: Source, held: LoadOptions, free: dict[int | str, int]) -> dict[str, Any]:
    """What `from_pretrained` is told of the places of the parts."""
    config, dtype = source.config, held.dtype
    need = estimate(config, dtype, held.load, held.quantize)
    where = spread(meta_model(config), dtype, need, free, held.quantize)
    options: dict[str, Any] = {"device_map": where}
    if "disk" in where.values():
        options["offload_folder"] = cache_dir() / "offload" / source.path.name
    return options


def default_card(model: PVCForConditionalGeneration) -> dict[str, Any]:
    """What a page can say of a model that comes without a card."""
    return {
        "name": "A model of your own",
        "parameters": f"{round(model.num_parameters() / 1e6):,} M",
        "knows": "what it was trained on.",
        "limits": "It can be wrong.",
    }
