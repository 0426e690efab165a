"""Causal language models with their tokenizers: a folder, a GGUF file, the inside of an InternVL.

Whatever transformers has a class for. Nothing of a folder's own code runs, no pickle is opened and
the network is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.files import WeightsError
from vlm.weights.image_towers import read_json
from vlm.weights.rename import few, fit_rules, rename
from vlm.weights.shards import Shards, weight_files

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
# What transformers raises for a folder that it cannot make sense of.
UNREADABLE = (ValueError, OSError, KeyError, TypeError, ImportError)
# Where a model that sees keeps its language model: before the names of the body, and of the head.
INSIDE = (("language_model.model.", "language_model."), ("model.language_model.", ""))
# Of a config, what is about the file it came in.
ABOUT_THE_FILE = ("architectures", "auto_map", "torch_dtype", "dtype", "transformers_version")


def load_causal_lm(
    path: Path, dtype: torch.dtype | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """`dtype` None: as it is saved (a GGUF file: bfloat16).

    Raises WeightsError in one sentence for what is no causal language model, or half of one.
    """
    if path.suffix == ".gguf":
        return _from_gguf(path, dtype)
    if not path.is_dir():
        raise WeightsError(f"{path}: there is no such folder, and it is no GGUF file.")
    config = read_json(path / "config.json")
    weight_files(path)
    inner = config.get("llm_config") or config.get("text_config")
    if isinstance(inner, dict) and "vision_config" in config:
        # What InternVL's class in transformers takes for granted, its file need not say.
        tied = config.get("tie_word_embeddings", config.get("model_type") == "internvl")
        return _from_inside(path, inner, tied, dtype)
    return _from_folder(path, config.get("model_type"), dtype)


def _from_folder(
    folder: Path, kind: Any, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import AutoModelForCausalLM

    _refuse_unknown(folder, kind)
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype or "auto", use_safetensors=True, output_loading_info=True, **SAFE
        )
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    _refuse_half(folder, info)
    return model.eval(), _tokenizer(folder)


def _from_gguf(
    path: Path, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file.")
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=dtype or torch.bfloat16,
            output_loading_info=True,
            **SAFE,
        )
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    _refuse_half(path, info)
    return model.eval(), _tokenizer(path.parent, gguf_file=path.name)


def _from_inside(
    folder: Path, inner: Mapping[str, Any], tied: bool, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The language model of a folder that holds an InternVL or its like.

    `tied`: a file without a head means the embeddings.
    """
    import torch
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

    kind = inner.get("model_type")
    _refuse_unknown(folder, kind)
    fields = {
        name: value
        for name, value in inner.items()
        if name not in (*ABOUT_THE_FILE, "model_type") and not name.startswith("_")
    }
    shards = Shards(folder)
    body, head = _names_inside(shards)
    try:
        config = AutoConfig.for_model(kind, **fields)
        if tied and f"{head}lm_head.weight" not in shards.shapes:
            config.tie_word_embeddings = True
        kind_of_model = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        with torch.device("meta"):
            empty = kind_of_model(config)
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    wanted = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    if config.tie_word_embeddings:
        wanted.pop("lm_head.weight", None)

    def source(name: str) -> str:
        inside = name.startswith("model.")
        return body + name.removeprefix("model.") if inside else head + name

    rules = [rule for name in wanted for rule in rename(source(name), name)]
    here = {source(name) for name in wanted}
    found = {n: s for n, s in shards.shapes.items() if n in here or n.startswith(body)}
    fit = fit_rules(rules, found, wanted)
    fit.refuse(folder)
    tensors = {n: t for rule in fit.rules for n, t in rule.apply(shards.get).items()}
    saved = next(iter(tensors.values())).dtype
    model = kind_of_model.from_pretrained(
        None, config=config, state_dict=tensors, dtype=dtype or saved
    )
    return model.eval(), _tokenizer(folder)


def _names_inside(shards: Shards) -> tuple[str, str]:
    """What stands before the names of the body and of the head of the inner language model."""
    for body, head in INSIDE:
        if any(name.startswith(body) for name in shards.shapes):
            return body, head
    raise WeightsError(f"{shards.folder}: none of its tensors belongs to a language model.")


def _tokenizer(folder: Path, **options: Any) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, **SAFE, **options)
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error


def _refuse_unknown(folder: Path, kind: Any) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise WeightsError(
            f"{folder}: config.json says model_type {kind!r}, and transformers knows no causal"
            " language model of that name."
        )


def _refuse_half(where: Path, info: Mapping[str, Any]) -> None:
    problems = [
        f"{kind.replace('_', ' ')}: {few(sorted(map(str, info[kind])))}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if info.get(kind)
    ]
    if problems:
        raise WeightsError(
            f"{where}: these weights are not those of its config; {'; '.join(problems)}."
        )


def _unreadable(where: Path, error: Exception) -> WeightsError:
    said = " ".join(str(error).split())[:300]
    return WeightsError(
        f"{where}: transformers cannot read this as a language model with its tokenizer ({said})."
    )
