"""The embedded model: what this repository trained, put on top of the base models.

The repository holds only what is its own, `vlm/weights/embedded/`: config.json, delta.safetensors
(progressive layers, compressor, concept words and LoRA, float16) and facts about the run. With the
base models it becomes an ordinary folder that `from_pretrained` reads: LoRA is merged into the
language model, W + B A, and the classifier's batch norms are folded into its convolutions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from vlm.weights import base_models
from vlm.weights.io.cache import Say, made_once, say
from vlm.weights.io.files import (
    WeightsError,
    cache_dir,
    read_safetensors,
    sha256,
    write_safetensors,
)
from vlm.weights.io.rename import few
from vlm.weights.io.shapes import TIED_HEAD, model_shapes

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.config import PVCConfig

SHIPPED = Path(__file__).parent / "embedded"
DELTA = "delta.safetensors"
BACKBONE, LANGUAGE_MODEL = "tower.backbone.", "language_model."
# Raised when the assembly writes something else from the same parts.
ASSEMBLY = "1"


def folder(shipped: Path = SHIPPED, say: Say = say) -> Path:
    """The assembled model's folder in the cache, assembled if it is missing or out of date."""
    return made_once(
        cache_dir() / "embedded",
        source_of(shipped),
        lambda folder: _assemble(shipped, folder, say),
    )


def source_of(shipped: Path) -> dict[str, str]:
    """Everything that decides what the assembled folder holds."""
    delta, config = shipped / DELTA, shipped / "config.json"
    for path in (delta, config):
        if not path.is_file():
            raise WeightsError(
                f"{path} is missing: the embedded model is not in this checkout. "
                "Train it with `make train`, or name another model's folder."
            )
    return {
        "delta": sha256(delta),
        "config": sha256(config),
        "gguf": base_models.SMOLLM2_SHA256,
        "pth": base_models.EFFICIENTNET_SHA256,
        "version": f"{base_models.CONVERSION}.{ASSEMBLY}",
    }


def _assemble(shipped: Path, folder: Path, say: Say) -> None:
    language_model, classifier = base_models.smollm2(say), base_models.efficientnet_lite2(say)
    say("Assembling the embedded model (once, a few seconds) ...")
    from transformers import AutoTokenizer

    from vlm.config import PVCConfig
    from vlm.processor import PVCProcessor

    config = PVCConfig.from_pretrained(shipped)
    delta = read_safetensors(shipped / DELTA)
    lora = {name: tensor for name, tensor in delta.items() if ".lora_" in name}
    ours = {name: tensor.float() for name, tensor in delta.items() if name not in lora}
    tensors = {**merge_lora(_frozen_parts(language_model, classifier), lora), **ours}
    refuse_half_a_model(config, tensors)
    config.dtype = "bfloat16"
    config.save_pretrained(folder)
    write_safetensors(tensors, folder / "model.safetensors")
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    PVCProcessor.from_config(config, tokenizer).save_pretrained(folder)


def merge_lora(weights: dict[str, Tensor], lora: dict[str, Tensor]) -> dict[str, Tensor]:
    """W [out, in] + B [out, r] A [r, in] wherever there is a pair; the scale is in B already.

    Raises WeightsError for half a pair, or a pair without its weight.
    """
    merged = dict(weights)
    stems = {name.rsplit(".lora_", 1)[0] for name in lora}
    known = {f"{stem}.lora_{half}.weight" for stem in stems for half in "AB"}
    wrong = [
        *(known ^ lora.keys()),
        *(f"{s}.weight" for s in stems if f"{s}.weight" not in weights),
    ]
    if wrong:
        raise WeightsError(f"LoRA does not fit the language model: {', '.join(sorted(wrong))}")
    for stem in stems:
        weight = weights[f"{stem}.weight"]
        update = lora[f"{stem}.lora_B.weight"].float() @ lora[f"{stem}.lora_A.weight"].float()
        merged[f"{stem}.weight"] = (weight.float() + update).to(weight.dtype)
    return merged


def refuse_half_a_model(config: PVCConfig, tensors: dict[str, Tensor]) -> None:
    """Raises WeightsError unless the tensors are exactly those of the config's model."""
    expected = model_shapes(config)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    missing, left_over = expected.keys() - found.keys(), found.keys() - expected.keys()
    other = {n for n in expected.keys() & found.keys() if expected[n] != found[n]}
    if missing or left_over or other:
        raise WeightsError(
            f"the parts do not make this model; missing: {few(sorted(missing))}; left over: "
            f"{few(sorted(left_over))}; of another shape: {few(sorted(other))}"
        )


def pack(trained: Path, out: Path = SHIPPED) -> Path:
    """What is our own in a trained model's folder, written as `out`/delta.safetensors, config.json.

    `trained` holds config.json and model.safetensors, LoRA in it under peft's names, and beside
    them adapter_config.json with LoRA's rank and scale. Frozen parts are left out; raises
    WeightsError if one of them was trained after all, since it would be lost.
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
            raise WeightsError(f"{trained}: {name}: only the language model's adapters are packed")
        elif name != TIED_HEAD:
            delta[name] = (tensor.float() * (scale if ".lora_B." in name else 1.0)).half()
    if changed:
        raise WeightsError(
            f"{trained}: these belong to the base models but were trained: {few(sorted(changed))}. "
            "A delta has no room for them."
        )
    infinite = {name for name, tensor in delta.items() if not tensor.isfinite().all()}
    if infinite:
        raise WeightsError(f"{trained}: not finite in float16: {few(sorted(infinite))}")
    write_safetensors(delta, out / DELTA)
    PVCConfig.from_pretrained(trained).save_pretrained(out)
    return out / DELTA


def _frozen_parts(language_model: Path, classifier: Path) -> dict[str, Tensor]:
    """The base models' tensors under the names they have in our model."""
    from vlm.encoders.backbones.efficientnet import fold_batch_norm

    language = read_safetensors(language_model / "model.safetensors")
    backbone = fold_batch_norm(read_safetensors(classifier))
    return {
        **{BACKBONE + name: tensor for name, tensor in backbone.items()},
        **{LANGUAGE_MODEL + name: tensor for name, tensor in language.items()},
    }


def _equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same numbers, at the precision of the coarser one."""
    dtype = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    return a.shape == b.shape and bool((a.to(dtype) == b.to(dtype)).all())


def _plain(name: str) -> str:
    """A tensor's name without what peft wraps around it."""
    name = name.replace("base_model.model.", "")
    return name.replace(".default.", ".").replace(".base_layer.", ".")


def _lora_scale(trained: Path) -> float:
    try:
        settings = json.loads((trained / "adapter_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 1.0
    rank, alpha = settings["r"], settings["lora_alpha"]
    return alpha / (rank**0.5 if settings.get("use_rslora") else rank)
