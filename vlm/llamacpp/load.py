"""Loads a model for llama.cpp: its GGUF folder, a check of the memory, the open context."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vlm.fit.estimate import Load
from vlm.fit.hardware import default_dtype, memory_of
from vlm.llamacpp.context import LlamaContext
from vlm.llamacpp.decoder import LlamaDecoder, TurnsCache
from vlm.llamacpp.fit import check_fit, estimate
from vlm.llamacpp.folder import form_of, gguf_folder, is_gguf_folder, load_gguf_folder
from vlm.llamacpp.library import library
from vlm.llamacpp.options import GGUF
from vlm.llamacpp.write import DEFAULT
from vlm.loading import Announce, find_model
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class LlamaModel:
    """A loaded model: vision in torch, the language model in a decoder of llama.cpp."""

    model: PVCForConditionalGeneration
    processor: PVCProcessor
    card: dict[str, Any]
    decoder: LlamaDecoder
    prefixes: TurnsCache


def load_llama(
    name: str | Path,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    *,
    gguf: str | None = None,
    context: int | None = None,
    anyway: bool = False,
    announce: Announce | None = None,
    **of_torch: Any,
) -> LlamaModel:
    """Loads a GGUF folder, or writes one first from any other model. The CPU computes.

    `gguf` is the type of the weights (default q8_0, or as the folder has them); `dtype` is that of
    the tower. Raises ValueError if the package is missing, the weights cannot fit, or an option
    of torch's language model is set.
    """
    for option, value in of_torch.items():
        if option in ("quantize", "device_map") and value:
            raise ValueError(f"--{option.replace('_', '-')} is for --engine torch; leave it out.")
    library()  # a missing package is reported before anything is written
    if device is not None and torch.device(device).type != "cpu":
        raise ValueError(f"--engine llama.cpp computes on the CPU, not on {device}.")
    found = find_model(name)
    folder = found.path if is_gguf_folder(found.path) else gguf_folder(name, gguf or DEFAULT)
    form = form_of(folder)
    if gguf not in (None, form["type"]):
        raise ValueError(f"{folder} holds the type {form['type']}, not {gguf}; leave out --gguf.")
    dtype = dtype or default_dtype(CPU)
    load = Load.of(found.config, context)
    size = (folder / GGUF).stat().st_size
    need = estimate(found.config, form["type"], dtype, load, size)
    fit = check_fit(form["type"], need, load, memory_of(CPU))
    if not fit.weights_fit and not anyway:
        raise ValueError(f"{found.card['name']}: {fit.sentence} (--anyway loads it nevertheless.)")
    if announce is not None:
        announce(f"{found.card['name']}: {fit.sentence}")
    model, processor = load_gguf_folder(folder, dtype)
    exact = form["type"] == "f32"
    opened = LlamaContext(folder / GGUF, load.context, torch.get_num_threads(), exact)
    decoder = LlamaDecoder(opened)
    parameters = f"{round(form['whole'] / 1e6):,} M"
    card = {"parameters": parameters, **found.card, "engine": f"llama.cpp, {form['type']}"}
    return LlamaModel(model, processor, card, decoder, TurnsCache(decoder))
