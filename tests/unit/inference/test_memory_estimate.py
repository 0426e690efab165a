"""The memory estimate from a config equals what a process really takes."""

import pytest
import torch

from benchmarks.memory import CASES, estimated, measured
from vlm.fit.estimate import Load, cache_bytes, estimate, meta_model, weight_bytes
from vlm.presets import build_model, preset_config


@pytest.mark.parametrize("name", ["weights", "looking"])
def test_the_estimate_is_what_a_process_takes(name: str) -> None:
    """Within a tenth: allocators round, and temporary tensors are freed late."""
    case = CASES[name]
    assert estimated(case).total == pytest.approx(measured(case), rel=0.1)


def test_weights_are_counted_to_the_byte_and_shared_ones_once() -> None:
    model = build_model("test")
    expected = sum(p.nbytes for p in model.parameters()) + sum(b.nbytes for b in model.buffers())
    assert weight_bytes(meta_model(model.config), torch.float32) == expected
    assert model.config.get_text_config().tie_word_embeddings


def test_the_cache_is_as_large_as_that_of_transformers() -> None:
    from transformers import DynamicCache

    model, context = build_model("test"), 40
    text = model.config.get_text_config()
    cache = DynamicCache(config=text)
    model.language_model(torch.zeros(1, context, dtype=torch.long), past_key_values=cache)
    real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert cache_bytes(text, context, torch.float32) == real


def test_the_published_size_is_estimated_without_allocating_it() -> None:
    config = preset_config("pvc-internvl2-8b")
    need = estimate(config, torch.bfloat16, Load(frames=96, tiles=13, looks=4, context=32768))
    assert need.weights == pytest.approx(19.1e9, rel=0.01)  # 9.55 billion, two bytes each
    assert need.cache == 2 * 32 * 8 * 128 * 32768 * 2  # keys and values of 8 heads in 32 layers
    few = estimate(config, torch.bfloat16, Load(frames=8, tiles=1, looks=4, context=32768))
    assert few.encoding < need.encoding
    assert estimate(config, torch.bfloat16, Load(8, 1, 4, 4096)).cache == need.cache // 8


def test_quantization_shrinks_the_language_model_only() -> None:
    model = meta_model(preset_config("pvc-internvl2-8b"))
    full, eight, four = (weight_bytes(model, torch.bfloat16, b) for b in (None, "8bit", "4bit"))
    assert four < eight < full
    linear = 7.74e9 - 2 * 92553 * 4096  # of the language model, without embeddings and head
    assert full - eight == pytest.approx(linear, rel=0.02)  # one byte less each
    text = [weight_bytes(model.language_model, torch.bfloat16, bits) for bits in (None, "4bit")]
    assert full - four == text[0] - text[1]  # tower and compressor are not quantized
