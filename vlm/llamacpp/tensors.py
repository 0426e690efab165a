"""A causal language model of transformers under llama.cpp's names: metadata and tensors.

Llama (SmolLM2, and InternLM2 as we read it), Mistral without a window, Qwen2 and Qwen3. llama.cpp
rotates neighboring channels of a Llama where transformers rotates halves, so the rows of its
queries and keys are permuted, as in llama.cpp's own converter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import first_few

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

Metadata = dict[str, str | int | float]


@dataclass(frozen=True)
class Architecture:
    """llama.cpp's name of a kind of model, and whether it rotates neighboring channels."""

    name: str
    permuted: bool


ARCHITECTURES = {
    "llama": Architecture("llama", True),
    "mistral": Architecture("llama", True),
    "qwen2": Architecture("qwen2", False),
    "qwen3": Architecture("qwen3", False),
}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
LAYERS, HEAD, ROPE_FACTORS = "model.layers.", "lm_head.weight", "rope_freqs.weight"
# "dynamic" acts beyond max_position_embeddings alone, and no conversation is longer.
PLAIN_ROPES = ("default", "dynamic")


def architecture_of(config: Any) -> Architecture:
    """Returns the architecture of a text config. Raises WeightsError if there is none."""
    kind = config.model_type
    if kind not in ARCHITECTURES:
        raise WeightsError(
            f"--engine llama.cpp runs language models of type {', '.join(ARCHITECTURES)}, not"
            f" {kind}; use --engine torch."
        )
    for name, needed in (("hidden_act", "silu"), ("mlp_bias", False)):
        if getattr(config, name, needed) != needed:
            raise _unsupported(f"{name} = {getattr(config, name)}")
    window = getattr(config, "sliding_window", None) or math.inf
    kinds = set(getattr(config, "layer_types", None) or ())
    slides = kinds - {"full_attention"} or (kind == "mistral" and not kinds)
    if slides and window < config.max_position_embeddings:
        raise _unsupported(f"a sliding window of {window} tokens")
    return ARCHITECTURES[kind]


def metadata(config: Any) -> Metadata:
    """Returns the metadata of a text config, without `general.architecture`."""
    name = architecture_of(config).name
    head_dim = _head_dim(config)
    rope = dict(getattr(config, "rope_parameters", None) or {})
    kind, theta = rope.get("rope_type", "default"), rope.get("rope_theta", 10000.0)
    found: Metadata = {
        "vocab_size": config.vocab_size,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "block_count": config.num_hidden_layers,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.key_length": head_dim,
        "attention.value_length": head_dim,
        "attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "rope.dimension_count": head_dim,
        "rope.freq_base": float(theta),
    }
    if kind == "linear":
        found |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rope["factor"])}
    elif kind not in (*PLAIN_ROPES, "llama3"):
        raise _unsupported(f"rotary embeddings of type {kind}")
    # Text is tokenized by our own tokenizer, which stands beside the file.
    return {f"{name}.{key}": value for key, value in found.items()} | {
        "tokenizer.ggml.model": "none"
    }


def tensors(language_model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors under llama.cpp's names, one at a time.

    Raises WeightsError, before the first, for a tensor that has no name there.
    """
    config: Any = language_model.config
    architecture = architecture_of(config)
    state = language_model.state_dict()
    if config.tie_word_embeddings:
        state.pop(HEAD, None)
    unknown = sorted(name for name in state if _renamed(name) is None)
    if unknown:
        raise _unsupported(f"the tensors {first_few(unknown)}")
    factors = llama3_factors(config)
    if factors is not None:
        yield ROPE_FACTORS, factors
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in state.items():
        renamed = _renamed(name)
        assert renamed is not None
        part = renamed.split(".")[-2]
        if architecture.permuted and part in heads:
            tensor = permute(tensor, heads[part])
        yield renamed, tensor


def permute(tensor: Tensor, num_heads: int) -> Tensor:
    """Moves the channels [heads * dim, ...] that rotate together next to each other."""
    halves = tensor.unflatten(0, (num_heads, 2, -1))
    return halves.transpose(1, 2).reshape(tensor.shape)


def llama3_factors(config: Any) -> Tensor | None:
    """Returns what Llama 3's frequencies are divided by [head_dim / 2]; None for other models.

    Long waves are stretched by `factor`, short ones stay, those between are interpolated.
    """
    import torch

    rope = dict(getattr(config, "rope_parameters", None) or {})
    if rope.get("rope_type") != "llama3":
        return None
    factor, length = rope["factor"], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    steps = torch.arange(0, _head_dim(config), 2, dtype=torch.float64) / _head_dim(config)
    waves = 2 * math.pi * rope["rope_theta"] ** steps  # tokens per turn
    smooth = ((length / waves - low) / (high - low)).clamp(0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).float()


def _renamed(name: str) -> str | None:
    stem, _, suffix = name.rpartition(".")
    if stem in TOP:
        return f"{TOP[stem]}.{suffix}"
    layer, _, part = stem.removeprefix(LAYERS).partition(".")
    if stem.startswith(LAYERS) and layer.isdigit() and part in LAYER:
        return f"blk.{layer}.{LAYER[part]}.{suffix}"
    return None


def _head_dim(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def _unsupported(what: str) -> WeightsError:
    return WeightsError(
        f"--engine llama.cpp does not run this language model: it has {what}; use --engine torch."
    )
