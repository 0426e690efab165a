"""Whether a model of transformers fits, from its config: weights, and keys and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from vlm.fit.estimate import cache_bytes, weight_bytes
from vlm.fit.hardware import GB, gigabytes, memory_of
from vlm.fit.verdict import MARGIN

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

USUAL_CONTEXT = 8192  # tokens of the conversation in the sentence; these models hold up to 262,144


@dataclass(frozen=True)
class WholeFit:
    """The sentence for the user, and whether the weights fit."""

    sentence: str
    weights_fit: bool


def whole_meta_model(config: PreTrainedConfig) -> nn.Module:
    """Builds the model on the meta device: shapes without values."""
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def check_fit(
    config: PreTrainedConfig, dtype: torch.dtype, device: torch.device, context: int | None
) -> WholeFit:
    """Compares what a model needs with what is free."""
    model, room = whole_meta_model(config), memory_of(device)
    weights = weight_bytes(model, dtype)
    text = config.get_text_config()
    tokens = min(context or USUAL_CONTEXT, text.max_position_embeddings)
    cache = cache_bytes(text, tokens, dtype)
    size = sum(parameter.numel() for parameter in model.parameters())
    sentence = (
        f"{size / GB:.2f} billion parameters in {str(dtype).removeprefix('torch.')}: weights"
        f" {gigabytes(weights)}, {tokens:,} tokens of conversation {gigabytes(cache)};"
        f" {gigabytes(room.free)} are free {room.name}."
    )
    return WholeFit(sentence, weights * MARGIN <= room.free)
