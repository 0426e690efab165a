"""A step of one token gives transformers' logits and writes into nobody else's keys and values."""

import copy

import pytest
import torch
from gguf_maker import KINDS, tiny_language_model
from transformers import DynamicCache, PreTrainedModel

from vlm.inference.decoding.generation import read_chunk
from vlm.inference.decoding.single_step import ROOM, SingleStep, single_step

PROMPT = torch.arange(3, 43)[None]


def read(model: PreTrainedModel, ids: torch.Tensor) -> DynamicCache:
    cache = DynamicCache(config=model.config)
    read_chunk(model, model.get_input_embeddings()(ids), cache)
    return cache


def step_of(model: PreTrainedModel) -> SingleStep:
    step = single_step(model)
    assert step is not None
    return step


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_logits_and_the_cache_are_those_of_transformers(kind: str) -> None:
    model = tiny_language_model(kind)
    step, ours = step_of(model), read(model, PROMPT)
    theirs = copy.deepcopy(ours)
    assert step.takes(ours)
    for token in range(ROOM + 9):  # past the first room
        token = token % 90
        expected = model(input_ids=torch.tensor([[token]]), past_key_values=theirs).logits[:, -1]
        torch.testing.assert_close(step.read(token, ours), expected, atol=2e-4, rtol=1e-4)
    assert ours.get_seq_length() == theirs.get_seq_length() == 40 + ROOM + 9
    for one, two in zip(ours.layers, theirs.layers, strict=True):
        torch.testing.assert_close(one.keys, two.keys, atol=2e-4, rtol=1e-4)
        torch.testing.assert_close(one.values, two.values, atol=2e-4, rtol=1e-4)


@torch.inference_mode()
def test_branches_of_one_prefix_do_not_write_into_each_other() -> None:
    model = tiny_language_model("SmolLM2")
    step, first = step_of(model), read(model, PROMPT)
    step.read(5, first)
    kept = [(layer.keys, layer.values) for layer in first.layers]
    before = copy.deepcopy(kept)
    branch = DynamicCache(kept, config=model.config)
    step.read(6, branch)
    step.read(7, first)  # goes on in its own room, behind what was kept
    for (keys, values), (old_keys, old_values) in zip(kept, before, strict=True):
        assert torch.equal(keys, old_keys)
        assert torch.equal(values, old_values)
    longer = copy.deepcopy([layer.keys for layer in first.layers])
    held = [layer.keys for layer in first.layers]
    for layer, (keys, values) in zip(first.layers, kept, strict=True):  # cut, as a batch does
        layer.keys, layer.values = keys, values
    step.read(8, first)
    fresh = read(model, torch.cat([PROMPT, torch.tensor([[5, 8]])], 1))
    torch.testing.assert_close(first.layers[1].keys, fresh.layers[1].keys, atol=2e-4, rtol=1e-4)
    assert all(torch.equal(old, new) for old, new in zip(longer, held, strict=True))


def test_models_that_compute_otherwise_are_left_to_transformers() -> None:
    model = tiny_language_model("SmolLM2")
    assert single_step(model) is not None
    model.model.layers[0].mlp.up_proj = torch.nn.Sequential()  # an adapter, or a quantized layer
    model.model.layers[0].mlp.up_proj.__class__ = type("LoraLinear", (torch.nn.Sequential,), {})
    assert single_step(model) is None
    assert single_step(tiny_language_model("SmolLM2", hidden_act="gelu")) is None
    cache = DynamicCache(config=model.config)
    assert not step_of(tiny_language_model("Qwen3")).takes(cache), "nothing has been read"
