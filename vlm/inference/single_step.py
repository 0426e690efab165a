"""One token through a Llama, Qwen2 or Qwen3 on a CPU: transformers' equations in fewer operations.

Much of a step of transformers is no arithmetic if the model is small: Python around modules, masks
of one column, keys and values that are copied whole to become one longer, a product of matrices for
each head of the queries. Here a layer is

    h += W_o attention(rotate(W_q n), [K; rotate(W_k n)], [V; W_v n]),   n = norm(h)
    h += W_down (silu(W_gate m) * W_up m),                                m = norm(h)

and new keys and values are written behind the old ones, into room that grows in steps. The heads
that share keys are multiplied together, as if they were several queries. The linear layers are the
model's own. Rounding differs in the last bits, as between two batch sizes.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from vlm.inference.packing import PackedLinear

KINDS = ("llama", "mistral", "qwen2", "qwen3")
ROOM = 128  # tokens that keys and values grow by at once
PLAIN = {"hidden_act": ("silu",), "_attn_implementation": ("sdpa", "eager")}


def single_step(language_model: PreTrainedModel) -> "SingleStep | None":
    """Returns the step for a model, or None if only transformers can compute it."""
    config: Any = language_model.config
    layers = language_model.get_decoder().layers if config.model_type in KINDS else ()
    linears = [m for m in language_model.modules() if "Linear" in type(m).__name__]
    plain = all(getattr(config, name, None) in known for name, known in PLAIN.items())
    whole = all(type(m) in (nn.Linear, PackedLinear) for m in linears)  # no adapter, not quantized
    hooked = any(hasattr(m, "_hf_hook") for m in language_model.modules())
    slides = any(getattr(layer.self_attn, "sliding_window", None) for layer in layers)
    on_cpu = language_model.device.type == "cpu"
    if not (layers and linears and plain and whole and on_cpu) or hooked or slides:
        return None
    return SingleStep(language_model)


class SingleStep:
    """The step of one model. Weights are looked up at each call."""

    def __init__(self, language_model: PreTrainedModel) -> None:
        self.language_model = language_model

    def takes(self, cache: DynamicCache) -> bool:
        """Whether it can continue this cache: one prompt, keys and values of all its tokens."""
        layers: Sequence[Any] = cache.layers
        return bool(layers) and all(
            type(layer) is DynamicLayer and layer.is_initialized and layer.keys.shape[0] == 1
            for layer in layers
        )

    def read(self, token: int, cache: DynamicCache) -> Tensor:
        """Reads one token into the cache; returns the logits [1, V] after it."""
        model: Any = self.language_model.get_decoder()
        hidden = model.embed_tokens.weight[token][None]  # [1, D]
        position = torch.tensor([[cache.get_seq_length()]])
        cos, sin = (part[0] for part in model.rotary_emb(hidden[None], position_ids=position))
        left, right = sin.chunk(2, dim=-1)
        sin = torch.cat([-left, right], dim=-1)
        for layer, store in zip(model.layers, cache.layers, strict=True):
            normed = _norm(hidden, layer.input_layernorm)
            hidden = hidden + _attend(normed, layer.self_attn, store, cos, sin)
            normed, mlp = _norm(hidden, layer.post_attention_layernorm), layer.mlp
            hidden = hidden + mlp.down_proj(F.silu(mlp.gate_proj(normed)) * mlp.up_proj(normed))
        head: Any = self.language_model.get_output_embeddings()
        logits: Tensor = head(_norm(hidden, model.norm))
        return logits.float()


def _attend(normed: Tensor, attention: Any, store: Any, cos: Tensor, sin: Tensor) -> Tensor:
    """normed [1, D] -> [1, D]; adds the token's keys and values to the store."""
    dim = attention.head_dim
    queries = attention.q_proj(normed).view(-1, dim)  # [heads, d]
    keys = attention.k_proj(normed).view(-1, dim)  # [groups, d]
    values = attention.v_proj(normed).view(-1, dim)
    if hasattr(attention, "q_norm"):
        queries, keys = _norm(queries, attention.q_norm), _norm(keys, attention.k_norm)
    turned = _rotate(torch.cat([queries, keys]), cos, sin)
    queries, keys = turned[: len(queries)], turned[len(queries) :]
    append(store, keys[None, :, None], values[None, :, None])
    grouped = queries.view(1, len(keys), -1, dim)  # [1, groups, heads per group, d]
    out = F.scaled_dot_product_attention(grouped, store.keys, store.values, scale=attention.scaling)
    attended: Tensor = attention.o_proj(out.reshape(1, -1))
    return attended


def append(store: Any, keys: Tensor, values: Tensor) -> None:
    """Adds one token's keys and values [1, groups, 1, d] to a DynamicLayer.

    A layer owns the room that it wrote into itself. Tensors of other owners, such as a kept prefix
    that several conversations continue, are never written to.
    """
    length = store.keys.shape[2]
    room = getattr(store, "room", None)
    if room is None or store.filled != length or room[0].shape[2] == length or not _is_start(store):
        room = store.room = tuple(_with_room(old) for old in (store.keys, store.values))
    for whole, new in zip(room, (keys, values), strict=True):
        whole[:, :, length : length + 1] = new
    store.keys, store.values = (whole[:, :, : length + 1] for whole in room)
    store.filled = length + 1


def _is_start(store: Any) -> bool:
    """Whether the layer still holds what was written into its room."""
    return bool(store.keys.data_ptr() == store.room[0].data_ptr())


def _with_room(old: Tensor) -> Tensor:
    B, groups, L, dim = old.shape
    whole = old.new_empty(B, groups, L + ROOM, dim)
    whole[:, :, :L] = old
    return whole


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates halves of the channels [heads, d]; the first half of `sin` is negated."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin


def _norm(x: Tensor, norm: Any) -> Tensor:
    return F.rms_norm(x, norm.weight.shape, norm.weight, norm.variance_epsilon)
