"""Both stages on a tiny model: they learn, and save a model that answers."""

from pathlib import Path

import pytest
import torch

from tests.trainable import base_folder
from tests.trainable import tiny_recipe as recipe
from training.model.initial_model import load_initial_model
from training.model.trainable_parts import (
    load_trained,
    merge_lora,
    prepare_parts,
    trained_parameters,
)
from training.run import build_dataset, train
from vlm.conversation import Conversation, Message, Text
from vlm.conversation import Image as Picture
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor

pytestmark = pytest.mark.usefixtures("in_float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("training"))


def test_a_run_is_not_resumed_with_another_recipe(folder: Path) -> None:
    train(recipe(folder, "once", steps=3))
    with pytest.raises(ValueError, match=r"another recipe \(learning_rate: 0.003 -> 0.1\)"):
        train(recipe(folder, "once", steps=3, learning_rate=0.1))


def test_merged_adapters_give_the_logits_of_unmerged_ones(folder: Path) -> None:
    settings = recipe(folder, "merge")
    model, processor = load_initial_model(settings.model)
    prepare_parts(model, settings)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    picture = Picture(torch.zeros(20, 20, 3, dtype=torch.uint8).numpy())
    inputs = processor(Conversation((Message("user", (picture, Text("?"))),)))
    model.eval()
    with torch.no_grad():
        before = model(**inputs).logits
        merge_lora(model)
        after = model(**inputs).logits
    assert not any("lora" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_two_stages_learn_and_save_a_model_that_answers(folder: Path) -> None:
    train(recipe(folder, "stage1", steps=10, learning_rate=1e-2))
    second = recipe(
        folder, "stage2", steps=30, learning_rate=2e-2, language_learning_rate=6e-2,
        start_from=str(folder / "stage1"),
    )  # fmt: skip
    done = train(second)
    lines = (folder / "stage2" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in lines]
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5
    model = PVCForConditionalGeneration.from_pretrained(done)
    assert isinstance(PVCProcessor.from_pretrained(done), PVCProcessor)
    assert not any("lora" in name for name, _ in model.named_parameters())


def test_missing_trained_weights_are_an_error(folder: Path) -> None:
    settings = recipe(folder, "fit")
    model, _ = load_initial_model(settings.model)
    prepare_parts(model, settings)
    assert not any("embed_tokens" in name for name in trained_parameters(model))
    with pytest.raises(ValueError, match="holds no trained weights"):
        load_trained(model, folder / "nowhere")


def test_samples_do_not_depend_on_the_order_of_loading(folder: Path) -> None:
    settings = recipe(folder, "samples", looks=(0.25, 0.25, 0.25, 0.25))
    model, processor = load_initial_model(settings.model)
    first = build_dataset(settings, model, processor)
    second = build_dataset(settings, model, processor)
    backwards = [second[i].rendered.ids for i in reversed(range(len(second)))][::-1]
    assert [first[i].rendered.ids for i in range(len(first))] == backwards
    looks = [first[i].rendered.clip_looks for i in range(len(first))]
    assert all(looks[i] == looks[i + 1] for i in range(0, len(looks), 2))
    assert len({tuple(n) for n in looks}) > 1
