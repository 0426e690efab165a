"""Language models in formats beside folders of transformers: GGUF files, InternLM2."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from chat_templates import FAMILIES, family_tokenizer
from published_maker import write_published
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GgufConfig

from vlm.config import PromptConfig
from vlm.weights.language.prepare import choose_template, read_language_model

IMAGE_TOKENS = PromptConfig().image_tokens
DIM, MLP, HEADS, LAYERS = 32, 64, 2, 2


@pytest.mark.parametrize("family", FAMILIES)
def test_role_markers_that_a_user_can_type_are_reported(family: str) -> None:
    template, note = choose_template(family_tokenizer(family))
    assert isinstance(template, dict)
    assert ("which a user can type" in note) == (family in ("mistral", "tinyllama"))


def write_gguf(path: Path) -> None:
    """A tiny Llama with its tokenizer and chat template in one file."""
    tokenizer = family_tokenizer("smollm2")
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    special = set(tokenizer.all_special_tokens)
    file = gguf.GGUFWriter(path, "llama")
    file.add_context_length(2048)
    file.add_embedding_length(DIM)
    file.add_block_count(LAYERS)
    file.add_feed_forward_length(MLP)
    file.add_head_count(HEADS)
    file.add_head_count_kv(1)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_freq_base(10000.0)
    file.add_vocab_size(len(tokens))
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("smollm")
    file.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    file.add_token_types([control if token in special else normal for token in tokens])
    file.add_token_merges([" ".join(pair) for pair in model["merges"]])
    file.add_bos_token_id(tokenizer.bos_token_id)
    file.add_eos_token_id(tokenizer.eos_token_id)
    file.add_chat_template(tokenizer.chat_template)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (len(tokens), DIM),
        "output_norm": (DIM,),
    }
    for layer in range(LAYERS):
        parts = {
            "attn_q": (DIM, DIM), "attn_k": (DIM // HEADS, DIM), "attn_v": (DIM // HEADS, DIM),
            "attn_output": (DIM, DIM), "ffn_gate": (MLP, DIM), "ffn_up": (MLP, DIM),
            "ffn_down": (DIM, MLP), "attn_norm": (DIM,), "ffn_norm": (DIM,),
        }  # fmt: skip
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    random = np.random.default_rng(0)
    for name, shape in shapes.items():
        file.add_tensor(f"{name}.weight", random.standard_normal(shape).astype(np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def test_a_gguf_file_loads_with_its_own_template(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path)
    given = read_language_model(path, IMAGE_TOKENS, torch.float32)
    assert given.template_note == "the tokenizer's own"
    assert isinstance(given.template, dict)
    assert given.template["system"] == "You are S."
    assert "grown from" in given.vocabulary
    plain: Any = AutoModelForCausalLM.from_pretrained(
        tmp_path,
        gguf_file=path.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    ).eval()
    ids = torch.tensor([[5, 9, 40, 41, 7]])
    with torch.no_grad():
        expected = plain(ids).logits
        found = given.model(ids).logits[..., : plain.config.vocab_size]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("inside", [False, True])
def test_internlm2_loads_as_llama_alone_or_inside_an_internvl(inside: bool, tmp_path: Path) -> None:
    model = write_published(tmp_path, num_files=1)
    if not inside:
        (tmp_path / "model.safetensors.index.json").unlink()
        state = load_file(tmp_path / "model-00001-of-00001.safetensors")
        state = {
            name.removeprefix("language_model."): tensor
            for name, tensor in state.items()
            if name.startswith("language_model.")
        }
        save_file(state, tmp_path / "model.safetensors")
        config = json.loads((tmp_path / "config.json").read_text())["llm_config"]
        config["model_type"] = "internlm2"
        (tmp_path / "config.json").write_text(json.dumps(config))
    given = read_language_model(tmp_path, IMAGE_TOKENS, torch.float32)
    assert given.template == "internlm2-chat"
    ids = torch.tensor([[5, 9, 40, 41, 7]])
    with torch.no_grad():
        expected = model.language_model(ids).logits
        found = given.model(ids).logits
    assert torch.equal(found, expected)
    end = given.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end in given.model.generation_config.eos_token_id
