"""What a model will need, from its config alone: nothing is loaded, all is on the meta device.

    need = estimate(config, torch.bfloat16, Load(frames=32, context=32768))
    need.weights, need.cache, need.looking, need.reading      # bytes

Looking is not a formula: the tower's and the compressor's own code runs on tensors without content
while their sizes are counted, so that it holds for every backbone. The tests compare the sum with
what a process really takes; `python -m benchmarks memory` prints the ratios.
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import PreTrainedConfig

from vlm.config import PVCConfig
from vlm.encoders.build import build_tower
from vlm.encoders.pvc import TemporalCache
from vlm.fit.quantize import FULL_PRECISION_PARTS, quantized_bytes
from vlm.inference.generation import PREFILL_CHUNK
from vlm.inference.looking import FRAMES_AT_ONCE, TILES_AT_ONCE
from vlm.layers.kv_cache import KeyValues
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCImageProcessor

META = torch.device("meta")


@dataclass(frozen=True)
class Load:
    """What the model is asked to do at once."""

    frames: int  # of one video
    tiles: int  # of one picture, with the thumbnail
    looks: int  # at each tile
    context: int  # tokens of the whole conversation

    @classmethod
    def of(cls, config: PVCConfig, context: int | None = None) -> "Load":
        """A usual question about a video or a large picture, in a conversation that is full."""
        prompt = config.prompt_config
        most = config.get_text_config().max_position_embeddings
        tiles = prompt.default_tiles + (prompt.default_tiles > 1)
        context = min(context or most, most)
        return cls(prompt.default_frames, tiles, prompt.looks, context)


@dataclass(frozen=True)
class Need:
    """Bytes at the moment when most is taken."""

    weights: int
    cache: int  # keys and values of the whole conversation
    looking: int  # most of what encoding one file takes for a moment
    reading: int  # most of what reading the prompt takes for a moment

    @property
    def total(self) -> int:
        return self.weights + self.cache + max(self.looking, self.reading)


def meta_model(config: PVCConfig) -> PVCForConditionalGeneration:
    """The whole model without a single number in it."""
    with META:
        return PVCForConditionalGeneration(config).eval()


def estimate(
    config: PVCConfig,
    dtype: torch.dtype,
    load: Load,
    quantize: str | None = None,
    model: PVCForConditionalGeneration | None = None,
    looker: PVCForConditionalGeneration | None = None,
) -> Need:
    """What a load takes. `model` and `looker` are what `meta_model` and `looking_model` give of
    this config, where they are there already."""
    model = model or meta_model(config)
    text = config.get_text_config()
    return Need(
        weights=weight_bytes(model, dtype, quantize),
        cache=cache_bytes(text, load.context, dtype),
        looking=looking_bytes(looker or looking_model(config), load, dtype),
        reading=reading_bytes(text, load.context, dtype, quantize),
    )


def weight_bytes(model: nn.Module, dtype: torch.dtype, quantize: str | None = None) -> int:
    """Parameters (those that are shared, once) and buffers."""
    total = sum(p.numel() * dtype.itemsize for p in model.parameters())
    total += sum(buffer.nbytes for buffer in model.buffers())
    if quantize:
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and not set(FULL_PRECISION_PARTS) & set(
                name.split(".")
            ):
                size = quantized_bytes(module.out_features, module.in_features, quantize)
                total += int(size) - module.weight.numel() * dtype.itemsize
    return total


def cache_bytes(text: PreTrainedConfig, context: int, dtype: torch.dtype) -> int:
    """Keys and values of `context` tokens in every layer; a sliding window holds only itself."""
    layers = text.num_hidden_layers
    kinds = getattr(text, "layer_types", None) or ["full_attention"] * layers
    window = getattr(text, "sliding_window", None) or context
    kept = [min(context, window) if "sliding" in kind else context for kind in kinds]
    return 2 * _key_width(text) * sum(kept) * dtype.itemsize


def reading_bytes(
    text: PreTrainedConfig, context: int, dtype: torch.dtype, quantize: str | None = None
) -> int:
    """While the last chunk of a full context is read: embeddings, and one layer's work."""
    width, inner = text.hidden_size, getattr(text, "intermediate_size", 4 * text.hidden_size)
    chunk = min(PREFILL_CHUNK, context)
    embeddings = 2 * context * width  # before and after the pictures took their places
    # The cache grows by copying. Keys and values are repeated for their groups of queries.
    heads = text.num_attention_heads * _head_dim(text)
    copied = 2 * heads if heads > _key_width(text) else _key_width(text)
    attention = context * copied + chunk * 4 * width
    feed_forward = chunk * (3 * inner + 3 * width)
    work = max(attention, feed_forward)
    if quantize:  # one layer's weight at a time goes back to full width
        work += width * inner
    return int((embeddings + work) * dtype.itemsize)


def _head_dim(text: PreTrainedConfig) -> int:
    return getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads


def _key_width(text: PreTrainedConfig) -> int:
    """Numbers in the keys of one token in one layer."""
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return heads * _head_dim(text)


def looking_model(config: PVCConfig) -> PVCForConditionalGeneration:
    """A meta model whose layers below the temporal ones, which keep nothing, are one."""
    model = meta_model(config)
    with META:
        model.tower = build_tower(replace(config.tower_config, depth=1)).eval()
    return model


def looking_bytes(model: PVCForConditionalGeneration, load: Load, dtype: torch.dtype) -> int:
    """The most that encoding a video of so many frames, or a picture of so many tiles, takes."""
    model = model.to(dtype)
    return max(
        peak_bytes(lambda: _watch(model, load.frames)),
        peak_bytes(lambda: _see(model, load.tiles, load.looks)),
    )


def _watch(model: PVCForConditionalGeneration, num_frames: int) -> Any:
    """The end of a video, when most is remembered, as `encode_steps` comes to it."""
    pixels = _pixels(model, num_frames)
    now = min(FRAMES_AT_ONCE, num_frames)
    times = torch.empty(1, now, device=META)
    clip = pixels[None, :now].to(model.tower_dtype)
    features, cache = model.tower.step(clip, times)
    before = num_frames - now
    M, D = model.config.tokens_per_look, model.config.text_width
    seen = torch.empty(before * M, D, dtype=model.dtype, device=META)
    if before:
        layers = tuple(
            KeyValues(_longer(x.keys, before), _longer(x.values, before)) for x in cache.layers
        )
        cache = TemporalCache(layers, cache.last)
        features, cache = model.tower.step(clip, times, cache)
    return torch.cat([seen, model._compress(features, times)[0].flatten(0, 1)])


def _longer(kept: Tensor, num_frames: int) -> Tensor:
    """Keys or values [B, heads, T, dim per head] of another number of frames."""
    B, heads, _, dim = kept.shape
    return kept.new_empty(B, heads, num_frames, dim)


def _see(model: PVCForConditionalGeneration, tiles: int, looks: int) -> Any:
    """A picture, a few tiles at a time, as `vlm.inference.looking` encodes it."""
    now = min(tiles, TILES_AT_ONCE)
    return model.encode(_pixels(model, now), [1] * now, [looks] * now, [0.0] * (looks * now))


def _pixels(model: PVCForConditionalGeneration, num: int) -> Tensor:
    size = model.config.image_size
    frames = torch.empty(num, size, size, 3, dtype=torch.uint8, device=META)
    return PVCImageProcessor(size).pixel_values(frames)


def peak_bytes(task: Callable[[], Any]) -> int:
    """The most bytes of meta tensors that were alive at once while `task` made them."""
    with torch.inference_mode(), _Fused(), _Living() as living:
        task()
    return living.peak


class _Living(TorchDispatchMode):
    """Adds up the storages that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor) and leaf.device == META:
                self._add(leaf.untyped_storage())
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


class _Fused(TorchFunctionMode):
    """Attention as the kernels for real devices do it: without the matrix of scores."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            query, value = args[0], args[2]
            B, heads, L, _ = query.shape
            return query.new_empty(B, L, heads, value.shape[-1]).transpose(1, 2)
        return func(*args, **(kwargs or {}))
