"""Converts InternLM2 and InternLM2.5 to Llama: renames tensors and splits one fused matrix.

InternLM2 is Llama except for its names and the fused attention matrix `wqkv`. The rows of `wqkv`
are grouped by key/value head: each group holds the queries that share the head, then its key, then
its value. Rotary embeddings rotate halves, as in Llama, so no row is permuted. `dynamic` scaling
of the rotary base acts beyond the training length (32,768 tokens) only:

    base * (factor * L / 32768 - (factor - 1)) ^ (d / (d - 2))

with L the current length and d the width of a head, exactly as in transformers' Llama.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vlm.weights.io.rename import Rule, Transform, for_each, rename
from vlm.weights.io.schema import JsonObject

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 1 << 20  # for any width, length or vocabulary size

LAYER = [
    *rename("{theirs}attention.wo.weight", "{ours}self_attn.o_proj.weight"),
    *rename("{theirs}feed_forward.w1.weight", "{ours}mlp.gate_proj.weight"),
    *rename("{theirs}feed_forward.w3.weight", "{ours}mlp.up_proj.weight"),
    *rename("{theirs}feed_forward.w2.weight", "{ours}mlp.down_proj.weight"),
    *rename("{theirs}attention_norm.weight", "{ours}input_layernorm.weight"),
    *rename("{theirs}ffn_norm.weight", "{ours}post_attention_layernorm.weight"),
]


def internlm2_rules(config: Any, theirs: str = "", ours: str = "") -> list[Rule]:
    """Returns the rules for a Llama config; `theirs` and `ours` are prefixes of every name."""
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    change = split_wqkv(heads, groups, config.head_dim)
    rules = rename(f"{theirs}model.tok_embeddings.weight", f"{ours}model.embed_tokens.weight")
    for layer in range(config.num_hidden_layers):
        source, target = f"{theirs}model.layers.{layer}.", f"{ours}model.layers.{layer}."
        parts = tuple(f"{target}self_attn.{part}_proj.weight" for part in "qkv")
        note = f"{groups} groups of {heads // groups} queries, key and value split"
        rules.append(Rule((f"{source}attention.wqkv.weight",), parts, change, note))
        rules += for_each(LAYER, {"theirs": source, "ours": target})
    rules += rename(f"{theirs}model.norm.weight", f"{ours}model.norm.weight")
    if not config.tie_word_embeddings:
        rules += rename(f"{theirs}output.weight", f"{ours}lm_head.weight")
    return rules


def split_wqkv(num_heads: int, num_groups: int, head_dim: int) -> Transform:
    """Splits wqkv [groups * (queries + 2) * head_dim, D] into q, k and v."""
    queries = num_heads // num_groups

    def transform(wqkv: Tensor) -> Sequence[Tensor]:
        D = wqkv.shape[1]
        rows = wqkv.view(num_groups, queries + 2, head_dim, D)
        q, k, v = rows[:, :queries], rows[:, queries], rows[:, queries + 1]
        return q.reshape(-1, D), k.reshape(-1, D), v.reshape(-1, D)

    return transform


def llama_config(given: JsonObject) -> dict[str, Any]:
    """Returns the text_config of our config.json for an InternLM2 config (`llm_config`).

    The ids of BOS, EOS and padding come from the tokenizer instead.
    """
    architecture = given.values.get("architectures")
    if architecture is not None and architecture != ["InternLM2ForCausalLM"]:
        raise given.wrong("architectures", '["InternLM2ForCausalLM"]')
    if given.boolean("bias", False):
        raise given.wrong("bias", "false (InternLM2 has no biases)")
    given.text("hidden_act", ("silu",), "silu")
    width = given.integer("hidden_size", 1, LARGEST)
    heads = given.integer("num_attention_heads", 1, 1024)
    groups = given.integer("num_key_value_heads", 1, 1024, heads)
    if width % heads or heads % groups:
        raise given.wrong("num_attention_heads", f"a divisor of {width} and a multiple of {groups}")
    theta = given.number("rope_theta", 1, 1e12, 1e6)
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": theta}
    if "rope_scaling" in given:
        scaling = given.section("rope_scaling")
        scaling.text("type", ("dynamic",))
        rope["rope_type"] = "dynamic"
        rope["factor"] = scaling.number("factor", 1, 1000)
    return {
        "model_type": "llama",
        "vocab_size": given.integer("vocab_size", 1, LARGEST),
        "hidden_size": width,
        "intermediate_size": given.integer("intermediate_size", 1, LARGEST),
        "num_hidden_layers": given.integer("num_hidden_layers", 1, 512),
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "max_position_embeddings": given.integer("max_position_embeddings", 1, LARGEST, 32768),
        "rms_norm_eps": given.number("rms_norm_eps", 0, 1, 1e-5),
        "rope_parameters": rope,
        "tie_word_embeddings": given.boolean("tie_word_embeddings", False),
    }
