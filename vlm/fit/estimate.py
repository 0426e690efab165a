"""The memory that a model needs, from its config alone: nothing is loaded, all is on meta.

    need = estimate(config, torch.bfloat16, Load.of(config, context=32768))
    need.weights, need.cache, need.encoding, need.prefill      # bytes

Encoding is not a formula: the tower's and the compressor's own code runs on tensors without content
while their sizes are counted, so it holds for every backbone. The tests compare the sum with what a
process really takes; `python -m benchmarks memory` prints the ratios.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from vlm.config import PVCConfig
from vlm.encoders import build_tower
from vlm.encoders.pvc import ProgressiveEncoder, TemporalCache
from vlm.fit.peak_memory import META, peak_bytes
from vlm.fit.quantize import FULL_PRECISION_PARTS, quantized_bytes
from vlm.image_processor import PVCImageProcessor
from vlm.inference.decoding.generation import PREFILL_CHUNK
from vlm.inference.visual.looking import FRAMES_AT_ONCE, TILES_AT_ONCE
from vlm.layers.kv_cache import KeyValues
from vlm.model import PVCForConditionalGeneration


@dataclass(frozen=True)
class Load:
    """The largest inputs of one question."""

    frames: int  # of one video
    tiles: int  # of one picture, with the thumbnail
    looks: int  # at each tile
    context: int  # tokens of the whole conversation

    @classmethod
    def of(cls, config: PVCConfig, context: int | None = None) -> "Load":
        """Returns the load of a usual video or a large picture in a full conversation."""
        prompt = config.prompt_config
        longest = config.get_text_config().max_position_embeddings
        tiles = prompt.default_tiles + (prompt.default_tiles > 1)
        context = min(context or longest, longest)
        return cls(prompt.default_frames, tiles, prompt.looks, context)


@dataclass(frozen=True)
class Need:
    """Bytes at the moments when most is taken."""

    weights: int
    cache: int  # keys and values of the whole conversation
    encoding: int  # peak while one file is encoded
    prefill: int  # peak while the prompt is read

    @property
    def total(self) -> int:
        return self.weights + self.cache + max(self.encoding, self.prefill)


def meta_model(config: PVCConfig) -> PVCForConditionalGeneration:
    """Builds the whole model on the meta device: shapes without values."""
    with META:
        return PVCForConditionalGeneration(config).eval()


def estimate(
    config: PVCConfig,
    dtype: torch.dtype,
    load: Load,
    quantize: str | None = None,
    model: PVCForConditionalGeneration | None = None,
    shallow: PVCForConditionalGeneration | None = None,
) -> Need:
    """Estimates what a load takes.

    `model` and `shallow` are the results of `meta_model` and `shallow_model` for this config, if
    the caller has them.
    """
    model = model or meta_model(config)
    text = config.get_text_config()
    return Need(
        weights=weight_bytes(model, dtype, quantize),
        cache=cache_bytes(text, load.context, dtype),
        encoding=encoding_bytes(shallow or shallow_model(config), load, dtype),
        prefill=prefill_bytes(text, load.context, dtype, quantize),
    )


def weight_bytes(model: nn.Module, dtype: torch.dtype, quantize: str | None = None) -> int:
    """Sums parameters (shared ones once) and buffers."""
    total = sum(p.numel() * dtype.itemsize for p in model.parameters())
    total += sum(buffer.nbytes for buffer in model.buffers())
    if quantize:
        for name, module in model.named_modules():
            kept = set(FULL_PRECISION_PARTS) & set(name.split("."))
            if isinstance(module, nn.Linear) and not kept:
                size = quantized_bytes(module.out_features, module.in_features, quantize)
                total += int(size) - module.weight.numel() * dtype.itemsize
    return total


def cache_bytes(text: PreTrainedConfig, context: int, dtype: torch.dtype) -> int:
    """Sums keys and values of `context` tokens in all layers; sliding windows are bounded."""
    layers = text.num_hidden_layers
    kinds = getattr(text, "layer_types", None) or ["full_attention"] * layers
    window = getattr(text, "sliding_window", None) or context
    lengths = [min(context, window) if "sliding" in kind else context for kind in kinds]
    return 2 * _key_width(text) * sum(lengths) * dtype.itemsize


def prefill_bytes(
    text: PreTrainedConfig, context: int, dtype: torch.dtype, quantize: str | None = None
) -> int:
    """The last chunk of a full context: embeddings, and the work of one layer."""
    width, inner = text.hidden_size, getattr(text, "intermediate_size", 4 * text.hidden_size)
    chunk = min(PREFILL_CHUNK, context)
    embeddings = 2 * context * width  # before and after visual tokens are put in
    # The cache grows by copying. Grouped keys and values are repeated for their queries.
    heads = text.num_attention_heads * _head_dim(text)
    copied = 2 * heads if heads > _key_width(text) else _key_width(text)
    attention = context * copied + chunk * 4 * width
    feed_forward = chunk * (3 * inner + 3 * width)
    work = max(attention, feed_forward)
    if quantize:  # one layer's weight at a time is dequantized
        work += width * inner
    return int((embeddings + work) * dtype.itemsize)


def _head_dim(text: PreTrainedConfig) -> int:
    return getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads


def _key_width(text: PreTrainedConfig) -> int:
    """Returns the width of one token's keys in one layer."""
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return heads * _head_dim(text)


def shallow_model(config: PVCConfig) -> PVCForConditionalGeneration:
    """Builds a meta model with one layer below the temporal ones: those layers keep nothing.

    Of a tower that is not progressive all layers stay.
    """
    model, tower = meta_model(config), config.tower_config
    if not isinstance(model.tower, ProgressiveEncoder):
        return model
    shallow = replace(tower, backbone=replace(tower.backbone, depth=1))
    with META:
        model.tower = build_tower(shallow).eval()
    return model


def encoding_bytes(model: PVCForConditionalGeneration, load: Load, dtype: torch.dtype) -> int:
    """Returns the peak of encoding the load's video or its picture, whichever is larger."""
    model = model.to(dtype)
    return max(
        peak_bytes(lambda: _encode_video_end(model, load.frames)),
        peak_bytes(lambda: _encode_tiles(model, load.tiles, load.looks)),
    )


def _encode_video_end(model: PVCForConditionalGeneration, num_frames: int) -> Any:
    """Runs the last step of `encode_steps` on a video, when the temporal cache is largest.

    A tower that is not progressive runs all steps, or its only one.
    """
    pixels = _pixels(model, num_frames)
    if not isinstance(model.tower, ProgressiveEncoder):
        steps = model.encode_steps(pixels, num_frames, [0.0] * num_frames, FRAMES_AT_ONCE)
        return torch.cat(list(steps))
    now = min(FRAMES_AT_ONCE, num_frames)
    times = torch.empty(1, now, device=META)
    clip = pixels[None, :now].to(model.tower_dtype)
    features, cache = model.tower.step(clip, times)
    before = num_frames - now
    M, D = model.config.tokens_per_look, model.config.text_width
    encoded = torch.empty(before * M, D, dtype=model.dtype, device=META)
    if before:
        layers = tuple(
            KeyValues(_resized(x.keys, before), _resized(x.values, before)) for x in cache.layers
        )
        cache = TemporalCache(layers, cache.last)
        features, cache = model.tower.step(clip, times, cache)
    return torch.cat([encoded, model.project(features, times)[0].flatten(0, 1)])


def _resized(keys: Tensor, num_frames: int) -> Tensor:
    """Returns empty keys or values [B, heads, num_frames, dim per head]."""
    B, heads, _, dim = keys.shape
    return keys.new_empty(B, heads, num_frames, dim)


def _encode_tiles(model: PVCForConditionalGeneration, tiles: int, looks: int) -> Any:
    """Runs one call of `vlm.inference.visual.looking` on the tiles of a picture."""
    now = min(tiles, TILES_AT_ONCE)
    return model.encode(_pixels(model, now), [1] * now, [looks] * now, [0.0] * (looks * now))


def _pixels(model: PVCForConditionalGeneration, num: int) -> Tensor:
    size = model.config.image_size
    frames = torch.empty(num, size, size, 3, dtype=torch.uint8, device=META)
    return PVCImageProcessor(size).pixel_values(frames)
