"""Loads a folder in our own format, checked before anything is built.

transformers loads such a folder, but reports a broken one as a traceback or a page of text. So
config.json is checked against its dataclasses and the header of every weight file is read first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Fit, fit_rules, rename
from vlm.weights.io.schema import JsonObject, check_dataclass, read_json_object
from vlm.weights.io.shapes import model_shapes
from vlm.weights.io.shards import Shards
from vlm.weights.io.soundness import check_formats

if TYPE_CHECKING:
    import torch

    from vlm.config import PVCConfig
    from vlm.model import PVCForConditionalGeneration
    from vlm.processor import PVCProcessor

MODEL_TYPE = "pvc"
LARGEST = 1 << 31  # for any size in the config of a language model


def own_config(folder: Path) -> PVCConfig:
    """Reads config.json of one of our folders. Raises WeightsError that names the wrong field."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING

    from vlm.config import CompressorConfig, PromptConfig, PVCConfig
    from vlm.encoders.config import TowerConfig

    given = read_json_object(folder / "config.json")
    kind = given.text("model_type")
    if kind != MODEL_TYPE:
        raise WeightsError(
            f"{given.path}: this is a model of type {kind}, not {MODEL_TYPE}. Use a tower or a"
            " language model as part of one with `python -m vlm.assemble`; what transformers runs"
            " whole answers only in the commands of `python -m app`."
        )
    sections = {"tower": TowerConfig, "compressor": CompressorConfig, "prompt": PromptConfig}
    for name, section in sections.items():
        if name in given:
            check_dataclass(given.section(name).upgraded(name), section)
    text = given.section("text_config")
    known = text.text("model_type")
    if known not in CONFIG_MAPPING:
        raise text.wrong("model_type", "a language model of transformers, such as llama")
    _check_numbers(text)
    try:
        return PVCConfig.from_pretrained(folder, local_files_only=True)
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{given.path}: {_first_line(error)}") from error


def load_own(
    folder: Path, dtype: torch.dtype | None = None, **options: Any
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Loads the model and its processor; `options` go to from_pretrained."""
    from vlm.model import PVCForConditionalGeneration

    config = own_config(folder)
    if getattr(config, "quantization_config", None) is None:
        shards = Shards(folder)
        own_fit(config, shards).require(folder)
        check_formats(shards)
    model = PVCForConditionalGeneration.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
        **{"attn_implementation": "sdpa", **options},
    )
    return model, own_processor(folder)


def own_fit(config: PVCConfig, shards: Shards) -> Fit:
    """Compares the weights of a folder with its config; no name changes."""
    expected = model_shapes(config)
    return fit_rules([r for name in expected for r in rename(name, name)], shards.shapes, expected)


def own_processor(folder: Path) -> PVCProcessor:
    from vlm.processor import PVCProcessor

    try:
        return PVCProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"{folder}: its processor or tokenizer cannot be read ({_first_line(error)}). Download"
            " or save the folder again."
        ) from error


def _check_numbers(given: JsonObject) -> None:
    """Checks that no size in the config of any language model is negative or absurdly large."""
    for name, value in given.values.items():
        if name.endswith(("_size", "num_hidden_layers", "_heads", "_embeddings")) and not (
            value is None or isinstance(value, bool)
        ):
            given.integer(name, 0, LARGEST)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, json.JSONDecodeError):
        return "one of its files is not JSON"
    return ": ".join(lines[:2]) if lines else type(error).__name__
