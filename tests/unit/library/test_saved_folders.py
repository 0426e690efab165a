"""A saved folder is an ordinary one: transformers, pipelines, peft and Trainer take it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    Trainer,
    TrainingArguments,
    pipeline,
)

import vlm
from tests.trainable import base_folder
from vlm import PVCForConditionalGeneration
from vlm.conversation import Conversation, Message, Text
from vlm.conversation import Image as Picture

ORDERS = {
    "ours first": "from vlm import PVCConfig; import transformers",
    "theirs first": "from transformers import AutoProcessor; from vlm import PVCProcessor",
}
LOAD = """
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor
print(type(AutoConfig.from_pretrained({0!r})).__name__)
print(type(AutoProcessor.from_pretrained({0!r})).__name__)
print(type(AutoModelForImageTextToText.from_pretrained({0!r})).__name__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(base_folder(tmp_path_factory.mktemp("saved")) / "base")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("order", ORDERS)
def test_the_auto_classes_know_a_model_once_a_class_of_vlm_is_imported(
    folder: str, order: str
) -> None:
    names = python(f"{ORDERS[order]}\n{LOAD.format(folder)}").split()
    assert names == ["PVCConfig", "PVCProcessor", "PVCForConditionalGeneration"]


def test_importing_vlm_alone_imports_nothing_heavy() -> None:
    code = "import vlm, sys; print({'torch', 'transformers', 'numpy'} & sys.modules.keys())"
    assert python(code).strip() == "set()"
    assert vlm.__version__


def test_vlm_offers_its_classes_by_name_and_changes_no_importer() -> None:
    for name in vlm.LAZY:
        assert getattr(vlm, name).__name__ == name
        assert name in dir(vlm)
    with pytest.raises(AttributeError, match="module 'vlm' has no attribute 'PVC'"):
        vlm.PVC  # noqa: B018
    code = "import sys; before = list(sys.meta_path); import vlm; print(sys.meta_path == before)"
    assert python(code).strip() == "True"


def inputs_of(folder: str, answer: str | None = None) -> dict[str, torch.Tensor]:
    processor = AutoProcessor.from_pretrained(folder)
    picture = Picture(np.zeros((32, 32, 3), np.uint8))
    messages = [Message("user", (picture, Text("What?")))]
    if answer is not None:
        messages.append(Message("assistant", (Text(answer),)))
    return dict(processor(Conversation(tuple(messages)), add_generation_prompt=answer is None))


def test_generate_answers(folder: str) -> None:
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    assert isinstance(model, PVCForConditionalGeneration)
    inputs = inputs_of(folder)
    ids = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert ids.shape[1] > inputs["input_ids"].shape[1]


def test_a_pipeline_answers_about_an_image(folder: str) -> None:
    ask = pipeline("image-text-to-text", model=folder)
    content = [
        {"type": "image", "image": Image.new("RGB", (40, 30), "red")},
        {"type": "text", "text": "What is this?"},
    ]
    answer = ask(text=[{"role": "user", "content": content}], max_new_tokens=4)
    assert answer[0]["generated_text"][-1]["role"] == "assistant"


def test_peft_adds_adapters_and_trainer_trains_them(folder: str, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    base = AutoModelForImageTextToText.from_pretrained(folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora" in name for name in trained)
    inputs = inputs_of(folder, "Red.")
    inputs["labels"] = inputs["input_ids"].clone()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    arguments = TrainingArguments(
        str(tmp_path), max_steps=2, use_cpu=True, report_to=[], save_strategy="no",
        learning_rate=1e-2, remove_unused_columns=False, disable_tqdm=True,
    )  # fmt: skip
    Trainer(model, arguments, train_dataset=[0, 1], data_collator=lambda rows: inputs).train()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    assert changed <= trained
