"""From a folder on disk to a model that can answer: its numbers, its device, its name."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights import sources
from vlm.weights.embedded import SHIPPED

CARD = "card.json"  # beside the weights: name, knows, limits
EMBEDDED_CARD = {
    "name": "Revisit embedded",
    "knows": "objects and animals of ImageNet's thousand kinds, icons, and simple scenes: colours,"
    " places, counting to four, what moves where.",
    "limits": "It was trained in a few hours on two processor cores: people, small print and"
    " reasoning are beyond it. Name the folder of a larger model to use that instead.",
}


def load_folder(
    path_or_name: str | Path, dtype: torch.dtype | None, device: str | torch.device | None
) -> tuple[PVCForConditionalGeneration, PVCProcessor, dict[str, Any]]:
    """The model, its processor and its card."""
    path = sources.resolve(path_or_name)  # this may download or assemble the model first
    card = (SHIPPED if str(path_or_name) == "embedded" else path) / CARD
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    dtype = dtype or default_dtype(device)
    logging.disable_progress_bar()
    model, processor = sources.load(path, dtype)
    facts = {"name": Path(path_or_name).expanduser().absolute().name}
    if str(path_or_name) == "embedded":
        facts = EMBEDDED_CARD
    if card.is_file():
        facts = facts | json.loads(card.read_text(encoding="utf-8"))
    return model.to(device), processor, facts


def default_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; emulated it is slower than float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and not _cpu_multiplies_bfloat16():
        return torch.float32
    return torch.bfloat16


def _cpu_multiplies_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def describe(model: PVCForConditionalGeneration) -> dict[str, Any]:
    """What a page can say of a model that comes without a card."""
    return {
        "name": "A model of your own",
        "parameters": f"{round(model.num_parameters() / 1e6):,} M",
        "knows": "what it was trained on.",
        "limits": "It can be wrong.",
    }
