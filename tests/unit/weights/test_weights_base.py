"""The real base models from their packages, and the weights that the repository ships."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from vlm.experts.detection.detector import WEIGHTS as DETECTOR
from vlm.presets import preset_config
from vlm.weights import base_models, shipped
from vlm.weights.__main__ import main
from vlm.weights.io import cache
from vlm.weights.io.files import WeightsError, read_safetensors


@pytest.fixture(scope="module")
def language_model() -> Path:
    try:
        return base_models.smollm2()
    except WeightsError as error:
        pytest.skip(str(error))


def test_the_language_model_still_knows_the_capital_of_france(language_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    model = AutoModelForCausalLM.from_pretrained(language_model, dtype=torch.float32)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(
        question, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    answer = tokenizer.decode(out[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    assert "Paris" in answer


def test_its_image_tokens_match_the_embedded_preset(language_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    config = preset_config("embedded")
    assert len(tokenizer) == config.text_config.vocab_size
    assert tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>") == config.image_token_id
    assert config.prompt_config.image_tokens == base_models.IMAGE_TOKENS


def test_the_classifier_keeps_its_package_names() -> None:
    try:
        tensors = read_safetensors(base_models.efficientnet_lite2())
    except WeightsError as error:
        pytest.skip(str(error))
    assert tensors["_fc.weight"].shape == (1000, 1280)


def test_the_base_model_is_unchanged_since_its_conversion(language_model: Path) -> None:
    cache.verify(language_model)


def test_the_command_prints_the_folder(
    language_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["base"]) == 0
    assert str(language_model) in capsys.readouterr().out


def test_the_shipped_weights_are_small_and_assemble(embedded_folder: Path) -> None:
    files = [*shipped.SHIPPED.iterdir(), DETECTOR]
    assert sum(file.stat().st_size for file in files) <= 30e6
    assert cache.is_built(embedded_folder, shipped.fingerprint(shipped.SHIPPED))
