"""Assembles the embedded model: the weights trained in this repository on top of the base models.

The repository holds only its own weights, `vlm/weights/embedded/`: config.json, delta.safetensors
(progressive layers, compressor, class word embeddings and LoRA, float16) and card.json, facts about
the run. With the base models they become an ordinary folder that `from_pretrained` reads: LoRA is
merged into the language model, W + B A, and the classifier's batch norms are folded into its
convolutions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights import base_models
from vlm.weights.io.cache import Notify, build_once, print_status
from vlm.weights.io.files import (
    WeightsError,
    cache_dir,
    read_safetensors,
    sha256,
    write_safetensors,
)
from vlm.weights.io.rename import first_few
from vlm.weights.io.shapes import TIED_HEAD, model_shapes

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.config import PVCConfig

SHIPPED = Path(__file__).parent / "embedded"
DELTA = "delta.safetensors"
BACKBONE, LANGUAGE_MODEL = "tower.backbone.", "language_model."
# To be increased when the assembly writes something else from the same parts.
ASSEMBLY = "1"


def assembled_folder(shipped: Path = SHIPPED, notify: Notify = print_status) -> Path:
    """Returns the assembled folder in the cache; assembles it if it is missing or out of date."""
    return build_once(
        cache_dir() / "embedded",
        fingerprint(shipped),
        lambda folder: _assemble(shipped, folder, notify),
    )


def fingerprint(shipped: Path) -> dict[str, str]:
    """Returns everything that determines the content of the assembled folder."""
    delta, config = shipped / DELTA, shipped / "config.json"
    for path in (delta, config):
        if not path.is_file():
            raise WeightsError(
                f"{path} is missing: this checkout has no embedded model. "
                "Train it with `make train`, or name the folder of another model."
            )
    return {
        "delta": sha256(delta),
        "config": sha256(config),
        "gguf": base_models.SMOLLM2_SHA256,
        "pth": base_models.EFFICIENTNET_SHA256,
        "version": f"{base_models.CONVERSION}.{ASSEMBLY}",
    }


def _assemble(shipped: Path, folder: Path, notify: Notify) -> None:
    language_model, classifier = base_models.smollm2(notify), base_models.efficientnet_lite2(notify)
    notify("Assembling the embedded model (once, a few seconds) ...")
    from transformers import AutoTokenizer

    from vlm.config import PVCConfig
    from vlm.processor import PVCProcessor

    config = PVCConfig.from_pretrained(shipped)
    delta = read_safetensors(shipped / DELTA)
    lora = {name: tensor for name, tensor in delta.items() if ".lora_" in name}
    ours = {name: tensor.float() for name, tensor in delta.items() if name not in lora}
    tensors = {**merge_lora(_frozen_parts(language_model, classifier), lora), **ours}
    check_complete(config, tensors)
    config.dtype = "bfloat16"
    config.save_pretrained(folder)
    write_safetensors(tensors, folder / "model.safetensors")
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    PVCProcessor.from_config(config, tokenizer).save_pretrained(folder)


def merge_lora(weights: dict[str, Tensor], lora: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adds B [out, r] A [r, in] to each weight W [out, in] with a pair; B includes the scale.

    Raises WeightsError for half a pair or a pair without its weight.
    """
    merged = dict(weights)
    stems = {name.rsplit(".lora_", 1)[0] for name in lora}
    known = {f"{stem}.lora_{half}.weight" for stem in stems for half in "AB"}
    wrong = [
        *(known ^ lora.keys()),
        *(f"{s}.weight" for s in stems if f"{s}.weight" not in weights),
    ]
    if wrong:
        raise WeightsError(f"the LoRA does not fit the language model: {', '.join(sorted(wrong))}")
    for stem in stems:
        weight = weights[f"{stem}.weight"]
        update = lora[f"{stem}.lora_B.weight"].float() @ lora[f"{stem}.lora_A.weight"].float()
        merged[f"{stem}.weight"] = (weight.float() + update).to(weight.dtype)
    return merged


def check_complete(config: PVCConfig, tensors: dict[str, Tensor]) -> None:
    """Raises WeightsError unless names and shapes of the tensors are exactly the config's."""
    expected = model_shapes(config)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    missing, unexpected = expected.keys() - found.keys(), found.keys() - expected.keys()
    mismatched = {n for n in expected.keys() & found.keys() if expected[n] != found[n]}
    if missing or unexpected or mismatched:
        raise WeightsError(
            "the base models and the delta do not make the model of the config;"
            f" missing: {first_few(sorted(missing))};"
            f" unexpected: {first_few(sorted(unexpected))};"
            f" wrong shape: {first_few(sorted(mismatched))}."
        )


def pack(trained: Path, out: Path = SHIPPED) -> Path:
    """Writes the trained part of a model folder as `out`/delta.safetensors and `out`/config.json.

    `trained` holds config.json, model.safetensors (LoRA under peft's names) and adapter_config.json
    with the rank and scale of LoRA. Frozen parts are left out; raises WeightsError if one of them
    differs from the base models, because the delta would lose it.
    """
    from vlm.config import PVCConfig

    tensors = read_safetensors(trained / "model.safetensors")
    tensors = {_plain(name): tensor for name, tensor in tensors.items()}
    frozen, scale = (
        _frozen_parts(base_models.smollm2(), base_models.efficientnet_lite2()),
        _lora_scale(trained),
    )
    delta, changed = {}, set()
    for name, tensor in tensors.items():
        if name in frozen:
            if not _equal(tensor, frozen[name]):
                changed.add(name)
        elif ".lora_" in name and not name.startswith(LANGUAGE_MODEL):
            raise WeightsError(
                f"{trained}: {name}: only adapters of the language model can be packed"
            )
        elif name != TIED_HEAD:
            delta[name] = (tensor.float() * (scale if ".lora_B." in name else 1.0)).half()
    if changed:
        raise WeightsError(
            f"{trained}: these tensors of the base models were trained, and a delta cannot hold"
            f" them: {first_few(sorted(changed))}. Freeze them in the recipe."
        )
    infinite = {name for name, tensor in delta.items() if not tensor.isfinite().all()}
    if infinite:
        raise WeightsError(f"{trained}: NaN or Inf in float16: {first_few(sorted(infinite))}")
    write_safetensors(delta, out / DELTA)
    PVCConfig.from_pretrained(trained).save_pretrained(out)
    return out / DELTA


def _frozen_parts(language_model: Path, classifier: Path) -> dict[str, Tensor]:
    """Returns the tensors of the base models under their names in the whole model."""
    language = read_safetensors(language_model / "model.safetensors")
    backbone = base_models.backbone_tensors(classifier)
    return {
        **{BACKBONE + name: tensor for name, tensor in backbone.items()},
        **{LANGUAGE_MODEL + name: tensor for name, tensor in language.items()},
    }


def _equal(a: Tensor, b: Tensor) -> bool:
    """Returns whether two tensors are equal at the precision of the coarser one."""
    dtype = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    return a.shape == b.shape and bool((a.to(dtype) == b.to(dtype)).all())


def _plain(name: str) -> str:
    """Returns the name of a tensor without the parts that peft adds."""
    name = name.replace("base_model.model.", "")
    return name.replace(".default.", ".").replace(".base_layer.", ".")


def _lora_scale(trained: Path) -> float:
    try:
        settings = json.loads((trained / "adapter_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 1.0
    rank, alpha = settings["r"], settings["lora_alpha"]
    return alpha / (rank**0.5 if settings.get("use_rslora") else rank)
