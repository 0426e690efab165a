"""One token through a Llama, Qwen2 or Qwen3 on a CPU: transformers' equations in fewer operations.

Much of a step of transformers is not arithmetic if the model is small: Python around modules, masks
of one column, keys and values that are copied whole to become one longer, a product of matrices for
each head of the queries. Here a layer is

    h += W_o attention(rotate(W_q n), [K; rotate(W_k n)], [V; W_v n]),   n = norm(h)
    h += W_down (silu(W_gate m) * W_up m),                                m = norm(h)

and new keys and values are written behind the old ones, into room that grows in steps. The heads
that share keys are multiplied together, as if they were several queries. The linear layers are the
model's own. Rounding differs in the last bits, as between two batch sizes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from vlm.inference.decoding.packing import PackedLinear, product

KINDS = ("llama", "mistral", "qwen2", "qwen3")
ROOM = 128  # tokens that keys and values grow by at once
HEAD_COPY = 2**27  # bytes: less than the margin of the memory estimate
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
    """The step of one model, whose layers and weights stay the same objects."""

    def __init__(self, language_model: PreTrainedModel) -> None:
        decoder: Any = language_model.get_decoder()
        self._embedding, self._rotary = decoder.embed_tokens.weight, decoder.rotary_emb
        self._layers = [Layer(layer) for layer in decoder.layers]
        self._norm = _norm(decoder.norm)
        self._head = product(_packed_head(language_model))

    def takes(self, cache: DynamicCache) -> bool:
        """Whether it can continue this cache: one prompt, keys and values of all its tokens."""
        layers: Sequence[Any] = cache.layers
        return bool(layers) and all(
            type(layer) is DynamicLayer and layer.is_initialized and layer.keys.shape[0] == 1
            for layer in layers
        )

    def read(self, token: int, cache: DynamicCache) -> Tensor:
        """Reads one token into the cache; returns the logits [1, V] after it."""
        hidden = self._embedding[token][None]  # [1, D]
        position = torch.tensor([[cache.get_seq_length()]])
        cos, sin = (part[0] for part in self._rotary(hidden[None], position_ids=position))
        left, right = sin.chunk(2, dim=-1)
        sin = torch.cat([-left, right], dim=-1)
        for layer, store in zip(self._layers, cache.layers, strict=True):
            hidden = layer.read(hidden, store, cos, sin)
        return self._head(self._norm(hidden)).float()


class Layer:
    """One layer, its parts looked up once."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.dim, self.scale = attention.head_dim, attention.scaling
        self.norm, self.mlp_norm = (
            _norm(layer.input_layernorm),
            _norm(layer.post_attention_layernorm),
        )
        self.queries, self.keys = product(attention.q_proj), product(attention.k_proj)
        self.values, self.out = product(attention.v_proj), product(attention.o_proj)
        self.normed_heads = hasattr(attention, "q_norm")
        if self.normed_heads:
            self.query_norm, self.key_norm = _norm(attention.q_norm), _norm(attention.k_norm)
        self.gate, self.up = product(mlp.gate_proj), product(mlp.up_proj)
        self.down = product(mlp.down_proj)

    def read(self, hidden: Tensor, store: Any, cos: Tensor, sin: Tensor) -> Tensor:
        """hidden [1, D] -> [1, D]; adds the token's keys and values to the store."""
        hidden = hidden + self.attend(self.norm(hidden), store, cos, sin)
        normed = self.mlp_norm(hidden)
        return hidden + self.down(F.silu(self.gate(normed)) * self.up(normed))

    def attend(self, normed: Tensor, store: Any, cos: Tensor, sin: Tensor) -> Tensor:
        queries = self.queries(normed).view(-1, self.dim)  # [heads, d]
        keys = self.keys(normed).view(-1, self.dim)  # [groups, d]
        values = self.values(normed).view(-1, self.dim)
        if self.normed_heads:
            queries, keys = self.query_norm(queries), self.key_norm(keys)
        heads, groups = queries.shape[0], keys.shape[0]
        turned = _rotate(torch.cat([queries, keys]), cos, sin)
        append(store, turned[None, heads:, None], values[None, :, None])
        grouped = turned[:heads].view(1, groups, -1, self.dim)  # [1, groups, heads per group, d]
        out = F.scaled_dot_product_attention(grouped, store.keys, store.values, scale=self.scale)
        return self.out(out.reshape(1, -1))


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
    """Returns whether the layer still holds what was written into its room."""
    return bool(store.keys.data_ptr() == store.room[0].data_ptr())


def _with_room(old: Tensor) -> Tensor:
    B, groups, L, dim = old.shape
    whole = old.new_empty(B, groups, L + ROOM, dim)
    whole[:, :, :L] = old
    return whole


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates halves of the channels [heads, d]; the first half of `sin` is negated."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin


def _norm(norm: Any) -> Callable[[Tensor], Tensor]:
    weight, shape, epsilon = norm.weight, norm.weight.shape, norm.variance_epsilon
    return lambda x: F.rms_norm(x, shape, weight, epsilon)


def _packed_head(language_model: PreTrainedModel) -> Any:
    """Returns the head; if it shares the embeddings of a packed model, a packed copy of it."""
    head: Any = language_model.get_output_embeddings()
    packed = any(isinstance(m, PackedLinear) for m in language_model.modules())
    small = head.weight.numel() * head.weight.dtype.itemsize <= HEAD_COPY
    return PackedLinear(head) if packed and small and type(head) is nn.Linear else head
