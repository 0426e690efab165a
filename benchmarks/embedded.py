"""The embedded model, or an equally fast model of its size with random weights if not built."""

from collections.abc import Sequence
from typing import Any

from vlm.assistant import Assistant
from vlm.fit.hardware import default_dtype
from vlm.inference.decoding.packing import pack
from vlm.loading import load_folder
from vlm.weights.io.files import WeightsError


def load(experts: Sequence[str] | None = None) -> tuple[Assistant, str]:
    """Returns the assistant and its name for a table. `experts`: as in `Assistant.load`."""
    import torch
    from transformers import AutoTokenizer

    from vlm.presets import build_model
    from vlm.processor import PVCProcessor
    from vlm.weights import base_models

    try:
        assistant = Assistant.load("embedded", device="cpu", experts=experts)
        name = "the embedded model"
    except WeightsError:
        model = build_model("embedded").to(default_dtype(torch.device("cpu")))
        pack(model.language_model)
        tokenizer = AutoTokenizer.from_pretrained(base_models.smollm2())
        assistant = Assistant(model, PVCProcessor.from_config(model.config, tokenizer))
        name = "the embedded model's size with random weights"
    return assistant, f"{name}, {str(assistant.model.dtype).removeprefix('torch.')}"


def plain_language_model(dtype: Any = None) -> Any:
    """Returns the language model alone, as transformers computes it: nothing is packed.

    `dtype`: a torch dtype; None: the one this machine computes in.
    """
    import torch

    from vlm.presets import build_model

    try:
        model, _, _ = load_folder("embedded", device="cpu")
    except WeightsError:
        model = build_model("embedded").to(default_dtype(torch.device("cpu")))
    return model.language_model.eval().to(dtype or model.dtype)
