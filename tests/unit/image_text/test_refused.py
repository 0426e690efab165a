"""What a model that transformers runs whole refuses, each in one sentence, and its own settings."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from families import finished
from image_text_maker import MAKERS
from transformers import GenerationConfig

from vlm.assistant import Assistant, Settings, State
from vlm.image_text.assistant import ImageTextAssistant
from vlm.inference.settings import Sampling
from vlm.open_assistant import open_assistant


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Qwen2-VL")
    MAKERS["qwen2_vl"](folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "Qwen2-VL"))


def refused(folder: Path, **options: object) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is returned
        open_assistant(folder, dtype=torch.float32, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_without_a_chat_template_it_is_no_chat_model(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    assert "no chat template" in refused(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if "mlp" in name)
    del tensors[name]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    sentence = refused(folder)
    assert "missing keys: " in sentence
    assert "mlp" in sentence


def test_weights_with_nan_are_named(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors[max(tensors)].view(-1)[0] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert "holds NaN" in refused(folder)


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageTextToText": "evil.Model", "AutoConfig": "evil.Config"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('code of the folder ran')")
    assistant = open_assistant(folder, dtype=torch.float32)
    assert isinstance(assistant, ImageTextAssistant)
    assistant.close()


@pytest.mark.parametrize("options", [{"quantize": "8bit"}, {"device_map": "auto"}])
def test_options_of_the_families_are_refused(made: Path, options: dict[str, str]) -> None:
    assert "works with the families" in refused(made, **options)


def test_experts_are_refused(made: Path) -> None:
    assert "experts" in refused(made, experts=["text"])


def test_the_assistant_of_our_models_names_the_commands_that_run_it(made: Path) -> None:
    with pytest.raises(ValueError, match="python -m app"):
        Assistant.load(made)


def test_given_answers_are_not_decided_between(made: Path) -> None:
    assistant = open_assistant(made, dtype=torch.float32)
    with pytest.raises(ValueError, match="does not decide"):
        list(assistant.decide(State(), "Is it?", ["yes", "no"]))
    assistant.close()


def test_a_conversation_beyond_the_context_is_refused_with_numbers(made: Path) -> None:
    assistant = open_assistant(made, dtype=torch.float32, context=64)
    with pytest.raises(ValueError, match="the model holds 64"):
        list(assistant.reply(State(), "What? " * 60))
    assistant.close()


def test_the_settings_of_the_folder_are_the_defaults(folder: Path) -> None:
    given = GenerationConfig(
        do_sample=True, temperature=1e-6, top_k=1, top_p=0.8, repetition_penalty=1.05
    )
    given.eos_token_id = 2
    given.save_pretrained(folder)
    assistant = open_assistant(folder, dtype=torch.float32)
    assert assistant.facts.sampling == Sampling(1e-6, 0.8, 1, 1.05)
    assert 2 in assistant.facts.eos_ids
    own = finished(assistant, State(), "What?", [], Settings(max_new_tokens=8))
    same = Settings(max_new_tokens=8, temperature=0.0, repetition_penalty=1.05)
    assert own.text == finished(assistant, State(), "What?", [], same).text
    assistant.close()
