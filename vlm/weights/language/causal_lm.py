"""Loads causal language models with their tokenizers: a folder, a GGUF file, the LM of an InternVL.

Supports every class of transformers, and InternLM2. No code of the folder runs, no pickle is opened
and no network request is made.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import Rule, first_few, fit_rules, rename
from vlm.weights.io.schema import JsonObject, read_json_object
from vlm.weights.io.shards import Shards, weight_files
from vlm.weights.language.internlm2 import internlm2_rules, llama_config
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
# What transformers raises for a folder that it cannot read.
UNREADABLE = (ValueError, OSError, KeyError, TypeError, ImportError)
# Prefixes of the language model in a vision-language model: of its body, and of its head.
INNER_PREFIXES = (("language_model.model.", "language_model."), ("model.language_model.", ""))
HEAD = "lm_head.weight"
# Keys of a config that describe the file, not the model.
FILE_KEYS = ("architectures", "auto_map", "torch_dtype", "dtype", "transformers_version")


def load_causal_lm(
    path: Path, dtype: torch.dtype | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a model and its tokenizer; `dtype` None keeps the saved type (GGUF: bfloat16).

    Raises WeightsError, one sentence, if `path` is not a causal language model or is incomplete.
    """
    if path.suffix == ".gguf":
        return _from_gguf(path, dtype)
    if not path.is_dir():
        raise WeightsError(f"{path}: there is no such folder, and it is not a GGUF file.")
    config = read_json_object(path / "config.json")
    weight_files(path)
    kind = config.values.get("model_type")
    inner = next((name for name in ("llm_config", "text_config") if name in config), None)
    if inner is not None and "vision_config" in config:
        text = config.section(inner)
        if is_internlm2(text):
            return _from_internlm2(path, text, "language_model.", dtype)
        # InternVL of transformers ties its embeddings by default; its config may omit the field.
        tied = config.boolean("tie_word_embeddings", kind == "internvl")
        return _from_multimodal(path, text.values, tied, dtype)
    if is_internlm2(config):
        return _from_internlm2(path, config, "", dtype)
    return _from_folder(path, kind, dtype)


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
    _check_complete(folder, info)
    return model.eval(), read_tokenizer(folder)


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
    _check_complete(path, info)
    return model.eval(), read_tokenizer(path.parent, gguf_file=path.name)


def _from_multimodal(
    folder: Path, inner: Mapping[str, Any], tied: bool, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads the language model inside an InternVL or a similar model.

    `tied`: if the file has no head, the embeddings are used as the head.
    """
    import torch
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

    kind = inner.get("model_type")
    _refuse_unknown(folder, kind)
    fields = {
        name: value
        for name, value in inner.items()
        if name not in (*FILE_KEYS, "model_type") and not name.startswith("_")
    }
    shards = Shards(folder)
    body, head = _inner_prefixes(shards)
    try:
        config = AutoConfig.for_model(kind, **fields)
        if tied and head + HEAD not in shards.shapes:
            config.tie_word_embeddings = True
        with torch.device("meta"):
            names = list(MODEL_FOR_CAUSAL_LM_MAPPING[type(config)](config).state_dict())
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    rules: list[Rule] = []
    for name in names:
        if name.startswith("model."):
            rules += rename(body + name.removeprefix("model."), name)
        elif name != HEAD or not config.tie_word_embeddings:
            rules += rename(head + name, name)
    return _load_renamed(folder, config, rules, body, dtype), read_tokenizer(folder)


def is_internlm2(given: JsonObject) -> bool:
    names = given.values.get("architectures") or []
    return given.values.get("model_type") == "internlm2" or "InternLM2ForCausalLM" in names


def _from_internlm2(
    folder: Path, given: JsonObject, prefix: str, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads InternLM2, alone or inside an InternVL, as Llama."""
    from transformers import LlamaConfig

    tokenizer = internlm2_tokenizer(folder)
    if (folder / "tokenizer_config.json").is_file():
        own = read_json_object(folder / "tokenizer_config.json")
        tokenizer.chat_template = own.text("chat_template", default="") or None
    fields = llama_config(given)
    del fields["model_type"]
    config = LlamaConfig(
        **fields,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _load_renamed(folder, config, internlm2_rules(config, prefix), prefix, dtype), tokenizer


def _load_renamed(
    folder: Path, config: Any, rules: Sequence[Rule], prefix: str, dtype: torch.dtype | None
) -> PreTrainedModel:
    """Builds a model of this config and loads the tensors of the folder under this prefix."""
    import torch
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    with torch.device("meta"):
        empty = kind(config)
    expected = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    if config.tie_word_embeddings:
        expected.pop(HEAD, None)
    shards = Shards(folder)
    sources = {source for rule in rules for source in rule.sources}
    found = {n: s for n, s in shards.shapes.items() if n in sources or n.startswith(prefix)}
    fit = fit_rules(rules, found, expected)
    fit.require(folder)
    tensors = {n: t for rule in fit.rules for n, t in rule.apply(shards.get).items()}
    saved = next(iter(tensors.values())).dtype
    return kind.from_pretrained(
        None, config=config, state_dict=tensors, dtype=dtype or saved
    ).eval()


def _inner_prefixes(shards: Shards) -> tuple[str, str]:
    """Returns the prefixes of the body and the head of the inner language model."""
    for body, head in INNER_PREFIXES:
        if any(name.startswith(body) for name in shards.shapes):
            return body, head
    raise WeightsError(f"{shards.folder}: none of its tensors belongs to a language model.")


def read_tokenizer(folder: Path, **options: Any) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    # transformers looks at the config too, and remarks that it does not know InternVL's.
    remarks = logging.getLogger("transformers.configuration_utils")
    remarks.addFilter(_is_worth_saying)
    try:
        return AutoTokenizer.from_pretrained(folder, **SAFE, **options)
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    finally:
        remarks.removeFilter(_is_worth_saying)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    return "to instantiate a model of type" not in record.getMessage()


def _refuse_unknown(folder: Path, kind: Any) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise WeightsError(
            f"{folder}: config.json has the model_type {kind!r}, and transformers has no causal"
            " language model of that type."
        )


def _check_complete(where: Path, info: Mapping[str, Any]) -> None:
    problems = [
        f"{kind.replace('_', ' ')}: {first_few(sorted(map(str, info[kind])))}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if info.get(kind)
    ]
    if problems:
        raise WeightsError(f"{where}: the weights do not match its config; {'; '.join(problems)}.")


def _unreadable(where: Path, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split())[:300]
    return WeightsError(
        f"{where}: transformers cannot read this as a language model with its tokenizer ({reason})."
    )
