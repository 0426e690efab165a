"""Any causal language model becomes the language model of a PVC, and stays what it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chat_templates import FAMILIES, family_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from vlm.assemble import main
from vlm.assembly import assemble, write
from vlm.assistant import Answering, Assistant, Settings, State
from vlm.conversation import Conversation, Image, Message, Text
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 2048,
}
# A chat template's family -> the class of language model it goes with here.
MODELS: dict[str, dict[str, Any]] = {
    "smollm2": {"model_type": "llama", "tie_word_embeddings": True},
    "qwen2": {"model_type": "qwen2", "vocab_size": 512},
    "qwen3": {"model_type": "qwen3", "vocab_size": 512},
    "llama3": {"model_type": "llama"},
    "gemma3": {"model_type": "gemma3_text", "sliding_window": 8, "query_pre_attn_scalar": 8},
    "gemma2": {
        "model_type": "gemma2", "sliding_window": 8, "query_pre_attn_scalar": 8,
        "final_logit_softcapping": 2.0,
    },
    "mistral": {"model_type": "mistral", "sliding_window": None},
    "mistral-v3": {"model_type": "mistral", "sliding_window": 16},
    "phi3": {"model_type": "phi3"},
    "tinyllama": {"model_type": "phi"},
}  # fmt: skip
TOWER = {
    "image_size": 32, "patch_size": 8, "depth": 1, "dim": 8, "num_heads": 2, "mlp_dim": 16,
    "num_temporal_layers": 1, "temporal_heads": 2,
}  # fmt: skip
QUESTION = "What do you see here?"


def language_model(folder: Path, family: str, **changes: Any) -> PreTrainedModel:
    """A tiny one with random weights, saved with its tokenizer."""
    tokenizer = family_tokenizer(family)
    given = {**SIZES, "vocab_size": len(tokenizer), **MODELS[family], **changes}
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = AutoConfig.for_model(
        given.pop("model_type"), **given, **marks, pad_token_id=tokenizer.pad_token_id
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "embed_tokens" not in name:
            parameter.data.mul_(12)  # fresh weights are so small that every prompt has one answer
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()


def assembled(folder: Path, out: Path, **options: Any) -> Path:
    changes = {"tower": TOWER, "prompt": {"frame_label": ""}} | options.pop("changes", {})
    write(assemble("fresh", str(folder), "pvc-narrow", changes, **options), out)
    return out


def plain_answer(
    model: PreTrainedModel, folder: Path, turns: list[tuple[str, str]], never: list[int]
) -> list[int]:
    """What the language model says by itself, with its own template."""
    inputs = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        [{"role": role, "content": text} for role, text in turns],
        add_generation_prompt=True,
        enable_thinking=False,
        date_string="26 Jul 2024",
        return_tensors="pt",
        return_dict=True,
    )
    out = model.generate(**inputs, max_new_tokens=12, do_sample=False, suppress_tokens=never)
    return out[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_language_model_answers_in_a_pvc_as_it_does_alone(family: str, tmp_path: Path) -> None:
    plain = language_model(tmp_path / "lm", family)
    out = assembled(tmp_path / "lm", tmp_path / "out")
    model = PVCForConditionalGeneration.from_pretrained(out).eval()
    assistant = Assistant(model, PVCProcessor.from_pretrained(out))
    known = plain.config.vocab_size
    never = [token for token in assistant.never_ids if token < known]
    expected = plain_answer(plain, tmp_path / "lm", [("user", QUESTION)], never)
    assert expected != plain_answer(plain, tmp_path / "lm", [("user", "Hello there")], never)

    # transformers' `generate`
    inputs = assistant.processor(Conversation((Message("user", (Text(QUESTION),)),)))
    options = {"do_sample": False, "suppress_tokens": assistant.never_ids}
    found = model.generate(**inputs, max_new_tokens=12, **options)
    assert found[0, inputs["input_ids"].shape[1] :].tolist() == expected

    # the assistant's own loop, with its chunks and its cache
    greedy = Settings(temperature=0.0, max_new_tokens=12, repetition_penalty=1.0)
    *_, first = assistant.reply(State(), QUESTION, settings=greedy)
    assert list(first.state.turns[0].answer_ids) == [i for i in expected if i not in assistant.end_ids]
    # A second turn goes on from the first: the same as without anything kept.
    *_, second = assistant.reply(first.state, "Hello there", settings=greedy)
    fresh = Assistant(model, assistant.processor)
    *_, anew = fresh.reply(first.state, "Hello there", settings=greedy)
    assert second.state.turns[1].answer_ids == anew.state.turns[1].answer_ids
    assistant.close()
    fresh.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_goes_through_and_the_saved_folder_gives_the_same_logits(
    family: str, tmp_path: Path
) -> None:
    language_model(tmp_path / "lm", family)
    changes = {"tower": TOWER, "prompt": {"frame_label": ""}}
    made = assemble("fresh", str(tmp_path / "lm"), "pvc-narrow", changes)
    write(made, tmp_path / "out")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    message = Message("user", (Image(pixels), Text(QUESTION)))
    inputs = made.processor(Conversation((message,)))
    again = PVCForConditionalGeneration.from_pretrained(tmp_path / "out").eval()
    saved = PVCProcessor.from_pretrained(tmp_path / "out")(Conversation((message,)))
    assert torch.equal(saved["input_ids"], inputs["input_ids"])
    with torch.no_grad():
        expected, found = made.model(**inputs).logits, again(**saved).logits
    assert torch.equal(found, expected)
    assert again.config.image_token_id in inputs["input_ids"][0]

    # In training only some logits are computed: they are the same ones.
    labels = inputs["input_ids"].clone()
    labels[:, :-5] = -100
    with torch.no_grad():
        learnt = again(**saved, labels=labels).logits
    torch.testing.assert_close(learnt, expected[0, -6:-1], atol=1e-5, rtol=1e-4)
