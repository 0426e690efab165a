"""Packed linear layers give the plain ones' products, and nothing is lost by packing."""

import copy
from pathlib import Path

import pytest
import torch
from gguf_maker import KINDS, assistant_folder, tiny_language_model
from torch import nn

from vlm.assistant import Assistant, Finished, Settings, State
from vlm.inference.decoding.packing import PackedLinear, can_pack, pack
from vlm.inference.decoding.single_step import single_step
from vlm.layers.lora import LoRALinear
from vlm.loading import load_folder

pytestmark = pytest.mark.skipif(not can_pack(torch.float32), reason="oneDNN does not pack here")


def linear(inputs: int, outputs: int, bias: bool, dtype: torch.dtype) -> nn.Linear:
    made = nn.Linear(inputs, outputs, bias, dtype=dtype)
    nn.init.normal_(made.weight)
    return made.requires_grad_(False)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(576, 1536), (50, 37), (1536, 576)])
def test_products_in_bfloat16_are_the_same_bit_for_bit(shape: tuple[int, int], bias: bool) -> None:
    if not can_pack(torch.bfloat16):
        pytest.skip("bfloat16 is not multiplied here")
    plain = linear(*shape, bias, torch.bfloat16)
    packed = PackedLinear(plain)
    for rows in (1, 2, 7, 300):
        x = torch.randn(rows, shape[0], dtype=torch.bfloat16)
        assert torch.equal(packed(x), plain(x))
        assert torch.equal(packed(x[None]), plain(x[None]))


def test_products_in_float32_differ_by_the_order_of_sums_only() -> None:
    plain = linear(576, 1536, True, torch.float32)
    x = torch.randn(3, 5, 576)
    torch.testing.assert_close(PackedLinear(plain)(x), plain(x), atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_a_packed_model_gives_the_logits_of_the_plain_one(kind: str) -> None:
    plain = tiny_language_model(kind)
    packed = copy.deepcopy(plain)
    pack(packed)
    assert sum(isinstance(m, PackedLinear) for m in packed.modules()) >= 14
    assert packed.num_parameters() == plain.num_parameters()
    assert single_step(packed) is not None
    ids = torch.arange(3, 43)[None]
    expected = plain(input_ids=ids).logits
    torch.testing.assert_close(packed(input_ids=ids).logits, expected, atol=2e-4, rtol=1e-4)


def test_a_packed_model_is_saved_whole() -> None:
    plain = tiny_language_model("InternLM2 as Llama")
    packed = copy.deepcopy(plain)
    pack(packed)
    found, expected = packed.state_dict(), plain.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


def test_tied_adapted_and_foreign_layers_stay() -> None:
    model = tiny_language_model("SmolLM2")
    attention = model.model.layers[0].self_attn
    attention.q_proj = LoRALinear(64, 64, 2, bias=False)
    pack(model)
    assert type(attention.q_proj) is LoRALinear
    assert type(model.lm_head) is nn.Linear
    assert type(attention.k_proj) is PackedLinear


def test_a_loaded_assistant_is_packed_and_answers_as_one_that_is_not(tmp_path: Path) -> None:
    folder = assistant_folder(tmp_path / "model")
    packed = Assistant.load(folder, torch.float32, "cpu")
    layer = packed.model.language_model.model.layers[0]
    assert type(layer.mlp.up_proj) is PackedLinear
    model, processor, _ = load_folder(folder, torch.float32, "cpu")
    plain = Assistant(model, processor)
    assert type(model.language_model.model.layers[0].mlp.up_proj) is nn.Linear
    answers = []
    for assistant in (packed, plain):
        *_, last = assistant.reply(State(), "What?", settings=Settings(max_new_tokens=24))
        assert isinstance(last, Finished)
        answers.append(last.text)
        assistant.close()
    assert answers[0] == answers[1]
    assert answers[0]
