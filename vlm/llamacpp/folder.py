"""A model folder whose language model is a GGUF file, and how it is made and loaded.

    config.json, processor and tokenizer, generation_config.json      as in any folder of ours
    model.safetensors                                                  tower and compressor
    language_model.gguf                                                the language model

Such a folder is complete: the one it was made from is not needed to run it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers.utils import logging

from vlm.llamacpp.options import GGUF
from vlm.llamacpp.write import BITS, DEFAULT, write_gguf
from vlm.loading import CARD, ModelFolder, find_model
from vlm.weights import sources
from vlm.weights.io.cache import Notify, build_atomically, build_once, print_status
from vlm.weights.io.files import (
    WeightsError,
    cache_dir,
    naming,
    read_safetensors,
    write_safetensors,
)
from vlm.weights.io.rename import first_few
from vlm.weights.io.shards import weight_files
from vlm.weights.own import own_config, own_processor

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.model import PVCForConditionalGeneration
    from vlm.processor import PVCProcessor

VISION, GENERATION = "model.safetensors", "generation_config.json"
FORM = "gguf.json"  # the type of the file, and its parameters
LANGUAGE = "language_model."
# To be increased when the same model is written differently.
VERSION = "1"
SMALL = 4e9  # bytes


def is_gguf_folder(folder: Path) -> bool:
    """Returns whether the language model of a folder is a GGUF file."""
    return (folder / GGUF).is_file()


def gguf_folder(
    name: str | Path,
    kind: str = DEFAULT,
    out: Path | None = None,
    notify: Notify = print_status,
) -> Path:
    """Returns the folder of a model with its language model as GGUF; writes it, once, if missing.

    `out` is a folder that must not exist; None: one in the cache. Raises WeightsError if the model
    cannot be written.
    """
    if kind not in BITS:
        raise WeightsError(f"--type is {kind}; it must be one of {', '.join(BITS)}.")
    model = find_model(name)
    folder = model.path
    if is_gguf_folder(folder):
        raise WeightsError(f"{folder} holds a GGUF file already; name the model it was made from.")
    if out is not None and out.exists():
        raise WeightsError(f"{out} exists; name a folder that does not.")

    def make(target: Path) -> None:
        notify(f"Writing the language model of {name} as {kind} (once) ...")
        _write(model, target, kind)

    source = fingerprint(folder, kind)
    if out is not None:
        with naming(out, "Name another folder as --out."):
            out.absolute().parent.mkdir(parents=True, exist_ok=True)
            build_atomically(out.absolute(), source, make)
        return out
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return build_once(cache_dir() / "gguf" / f"{folder.name}-{key}-{kind}", source, make)


def fingerprint(folder: Path, kind: str) -> dict[str, str]:
    """Returns everything that determines the content of the written folder.

    Weight files count by size and time: hashing gigabytes would take longer than loading them.
    """
    files = {}
    for path in weight_files(folder):
        found = path.stat()
        files[path.name] = f"{found.st_size} {found.st_mtime_ns}"
    config = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    return {**files, "config": config, "type": kind, "version": VERSION}


def load_gguf_folder(
    folder: Path, dtype: torch.dtype
) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    """Loads tower, compressor and processor; the language model stays in its file.

    Raises WeightsError for weights that do not fit the config.
    """
    from transformers import GenerationConfig

    from vlm.llamacpp.text import GGUFText
    from vlm.model import PVCForConditionalGeneration

    config = own_config(folder)
    small = copy.deepcopy(config)
    text: Any = small.text_config
    text.num_hidden_layers, text.vocab_size, text.layer_types = 0, 1, None
    text.pad_token_id = None
    model = PVCForConditionalGeneration(small)
    model.language_model = GGUFText(config.text_config, folder / GGUF)
    model.config = config
    missing, unexpected = model.load_state_dict(_vision(folder), strict=False)
    if missing or unexpected:
        raise WeightsError(
            f"{folder / VISION}: the weights do not match config.json; missing:"
            f" {first_few(sorted(missing))}; unexpected: {first_few(sorted(unexpected))}. Write the"
            " folder again with `python -m vlm.weights gguf`."
        )
    if (folder / GENERATION).is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    return model.to(dtype).eval(), own_processor(folder)


def form_of(folder: Path) -> dict[str, Any]:
    """Returns the type of the GGUF file and the parameters of the language model."""
    try:
        return dict(json.loads((folder / FORM).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{folder / FORM} cannot be read; write the folder again with"
            " `python -m vlm.weights gguf`."
        ) from error


def _write(found: ModelFolder, target: Path, kind: str) -> None:
    size = sum(path.stat().st_size for path in weight_files(found.path))
    logging.disable_progress_bar()
    # Large weights stay memory-mapped in their stored type; small ones may mix several.
    model, processor = sources.load(found.path, torch.float32 if size < SMALL else None)
    text = model.language_model
    write_gguf(text, target / GGUF, kind)
    rest = {n: t for n, t in model.state_dict().items() if not n.startswith(LANGUAGE)}
    write_safetensors(rest, target / VISION)
    model.config.save_pretrained(target)
    if model.generation_config is not None:
        model.generation_config.save_pretrained(target)
    processor.save_pretrained(target)
    form = {"type": kind, "parameters": text.num_parameters(), "whole": model.num_parameters()}
    (target / FORM).write_text(json.dumps(form), encoding="utf-8")
    (target / CARD).write_text(json.dumps(found.card), encoding="utf-8")


def _vision(folder: Path) -> dict[str, Tensor]:
    return read_safetensors(folder / VISION)
