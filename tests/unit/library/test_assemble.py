"""Any causal language model becomes the language model of a PVC, unchanged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chat_templates import FAMILIES, family_tokenizer
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    InternVLConfig,
    InternVLForConditionalGeneration,
    PreTrainedModel,
)

from vlm.assemble.__main__ import main
from vlm.assemble.build import assemble, write
from vlm.assistant import Assistant, Settings, State
from vlm.conversation import Conversation, Image, Message, Text
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.io.files import WeightsError

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
VISION = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 32, "patch_size": 8,
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
    """The answer of the language model alone, with its own template."""
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
    never = [token for token in assistant.facts.suppressed_ids if token < known]
    expected = plain_answer(plain, tmp_path / "lm", [("user", QUESTION)], never)
    assert expected != plain_answer(plain, tmp_path / "lm", [("user", "Hello there")], never)

    # transformers' `generate`
    inputs = assistant.processor(Conversation((Message("user", (Text(QUESTION),)),)))
    options = {"do_sample": False, "suppress_tokens": assistant.facts.suppressed_ids}
    found = model.generate(**inputs, max_new_tokens=12, **options)
    assert found[0, inputs["input_ids"].shape[1] :].tolist() == expected

    # the assistant's own loop, with its chunks and its cache
    greedy = Settings(temperature=0.0, max_new_tokens=12, repetition_penalty=1.0)
    *_, first = assistant.reply(State(), QUESTION, settings=greedy)
    assert list(first.state.turns[0].answer_ids) == [
        i for i in expected if i not in assistant.facts.eos_ids
    ]
    # A second turn goes on from the first: the same as without anything kept.
    *_, second = assistant.reply(first.state, "Hello there", settings=greedy)
    fresh = Assistant(model, assistant.processor)
    *_, anew = fresh.reply(first.state, "Hello there", settings=greedy)
    assert second.state.turns[1].answer_ids == anew.state.turns[1].answer_ids
    assistant.close()
    fresh.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_saved_folder_gives_the_same_logits_for_an_image(family: str, tmp_path: Path) -> None:
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
        training_logits = again(**saved, labels=labels).logits
    torch.testing.assert_close(training_logits, expected[0, -6:-1], atol=1e-5, rtol=1e-4)


def test_embeddings_grow_only_without_spare_rows(tmp_path: Path) -> None:
    padded = language_model(tmp_path / "padded", "qwen2").get_input_embeddings().weight
    tight = language_model(tmp_path / "tight", "smollm2").get_input_embeddings().weight
    made = assemble("fresh", str(tmp_path / "padded"), "pvc-narrow", {"tower": TOWER})
    weight = made.model.get_input_embeddings().weight
    new = made.processor.tokenizer.convert_tokens_to_ids(["<img>", "<IMG_CONTEXT>", "</img>"])
    assert len(weight) == len(padded) == 512
    assert "room in its 512 rows" in made.notes["vocabulary"]
    old = [i for i in range(512) if i not in new]
    assert torch.equal(weight[old], padded[old])
    known = min(new)
    mean = padded[:known].double().mean(dim=0).float()
    assert all(torch.equal(weight[i], mean) for i in new)

    made = assemble("fresh", str(tmp_path / "tight"), "pvc-narrow", {"tower": TOWER})
    weight = made.model.get_input_embeddings().weight
    assert len(weight) == len(tight) + 3 == len(made.processor.tokenizer)
    assert torch.equal(weight[: len(tight)], tight)
    assert made.model.get_output_embeddings().weight is weight  # tied, and still so
    assert f"grown from {len(tight)} to {len(weight)} rows" in made.notes["vocabulary"]


def test_a_tokenizer_without_a_usable_template_gets_ours_with_its_markers(tmp_path: Path) -> None:
    language_model(tmp_path / "lm", "tinyllama")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "lm")
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path / "lm")
    (tmp_path / "lm" / "chat_template.jinja").unlink()
    made = assemble("fresh", str(tmp_path / "lm"), "pvc-narrow", {"tower": TOWER})
    assert made.model.config.prompt["template"] == "chatml"
    assert "comes without a chat template" in made.notes["template"]
    end = made.processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end in made.processor.writer.plain.special_ids
    assert end in made.model.generation_config.eos_token_id


def test_the_command_prints_the_parts_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    language_model(tmp_path / "lm", "smollm2")
    out = tmp_path / "out"
    sizes = [f"--set=tower.{name}={value}" for name, value in TOWER.items()]
    command = ["--tower", "fresh", "--language-model", str(tmp_path / "lm"), *sizes, str(out)]
    assert main([*command, "--set=prompt.looks=3", "--dtype=bfloat16"]) == 0
    printed = capsys.readouterr().out
    assert "fresh" not in printed
    assert "vit, 32 px, 4 x 4 patches, 1 temporal layers of 2" in printed
    assert "1 per look, 3 looks per image" in printed
    assert "bfloat16" in printed
    model = PVCForConditionalGeneration.from_pretrained(out)
    assert model.dtype == torch.bfloat16
    assert model.config.looks == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lm", "out"]
    assert main(command) == 1
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "pcv"], 'no preset "pcv"; there are pvc, pvc-narrow, image'),
        (
            ["--set", "tower.depht=3"],
            "tower.depht is not a field of TowerConfig",
        ),
        (["--set", "tower.num_temporal_layers=some"], "must be a whole number from 0 to 512"),
        (["--set", "tower.image_mean=3"], "tower.image_mean must be a list of 3 numbers"),
        (["--set", "compressor.factor=0"], "must be a whole number from 1 to"),
        (["--set", "prompt.template=vicuna"], "no template 'vicuna'; known are chatml"),
        (["--set", "depth=3"], "this must be PART.FIELD=VALUE"),
        (["--set", "compressor.factor=3"], "is not divisible into squares of 3"),
        (["--tower", "nowhere"], "nowhere"),
        (["--language-model", "nowhere.gguf"], "nowhere.gguf: there is no such file"),
    ],
)
def test_parts_that_do_not_fit_are_one_sentence_and_leave_nothing(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    language_model(tmp_path / "lm", "smollm2")
    sizes = [f"--set=tower.{name}={value}" for name, value in TOWER.items()]
    command = ["--tower", "fresh", "--language-model", str(tmp_path / "lm"), *sizes]
    assert main([*command, *arguments, str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert sentence in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["lm"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda lm: (lm / "config.json").unlink(), "it has no config.json"),
        (lambda lm: (lm / "config.json").write_text('{"model_type": "bert-of-mine"}'), "bert-of"),
        (lambda lm: (lm / "model.safetensors").unlink(), "it has no weights"),
        (lambda lm: (lm / "tokenizer.json").unlink(), "with its tokenizer"),
        (
            lambda lm: save_file(
                {n: t for n, t in load_file(lm / "model.safetensors").items() if "norm" not in n},
                lm / "model.safetensors",
            ),
            "missing keys: model.layers.0.input_layernorm.weight",
        ),
    ],
)
def test_a_broken_language_model_is_named(spoil: Any, sentence: str, tmp_path: Path) -> None:
    language_model(tmp_path / "lm", "smollm2")
    spoil(tmp_path / "lm")
    with pytest.raises(WeightsError, match=sentence):
        assemble("fresh", str(tmp_path / "lm"), "pvc-narrow", {"tower": TOWER})


@pytest.mark.parametrize("tied", [False, True])
def test_a_published_tower_with_its_projector_is_internvl_again(tied: bool, tmp_path: Path) -> None:
    """An InternVL that is split and reassembled without time gives the same logits for an image."""
    tokenizer = family_tokenizer("qwen2")
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<img>", "<IMG_CONTEXT>", "</img>"]},
        replace_extra_special_tokens=False,
    )
    vision = {**VISION, "attention_bias": True}
    text = {**SIZES, "model_type": "qwen2", "vocab_size": 512, "bos_token_id": 0, "eos_token_id": 0}
    place = tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>")
    torch.manual_seed(0)
    theirs = InternVLForConditionalGeneration(
        InternVLConfig(
            vision_config=vision, text_config=text, image_token_id=place, tie_word_embeddings=tied
        )
    ).eval()
    theirs.save_pretrained(tmp_path / "internvl")
    tokenizer.save_pretrained(tmp_path / "internvl")
    made = assemble(str(tmp_path / "internvl"), str(tmp_path / "internvl"), "image")
    assert "the projector of the image tower" in made.notes["compressor"]
    assert made.model.config.tokens_per_look == 4
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    inputs = made.processor(Conversation((Message("user", (Image(pixels), Text(QUESTION))),)))
    with torch.no_grad():
        expected = theirs(input_ids=inputs["input_ids"], pixel_values=inputs["pixel_values"]).logits
        found = made.model(**inputs).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
