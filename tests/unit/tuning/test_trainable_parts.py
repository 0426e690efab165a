"""Trainable parts: learning rates, adapters, and that no trained weight is lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainable import base_folder, tiny_recipe
from training.checkpoints.full_tensors import read_tensors, write_tensors
from training.loop.distributed import (
    add_zero_vision_dependency,
    build_dummy_vision_inputs,
    clip_shapes,
)
from training.model.card import what_is_trained
from training.model.initial_model import load_initial_model
from training.model.trainable_parts import (
    load_trained,
    merge_lora,
    parameter_groups,
    part_of,
    prepare_parts,
    save_trained,
    start_from,
    trained_parameters,
)
from training.recipe import PARTS, Lora
from training.trainer import checkpoint_activations
from vlm.conversation import Conversation, Image, Message, Text, Video
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor

pytestmark = pytest.mark.usefixtures("in_float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("parts"))


def prepared(folder: Path, **changes: Any) -> tuple[PVCForConditionalGeneration, PVCProcessor]:
    settings = tiny_recipe(folder, "out", **changes)
    model, processor = load_initial_model(settings.model)
    prepare_parts(model, settings)
    return model, processor


def batch(processor: PVCProcessor) -> dict[str, Tensor]:
    """An image with two looks, a clip of two frames, and an answer to train on."""
    pixels = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    media = (Image(pixels[0], 2), Video(pixels[1:], (0.0, 1.0)), Text("?"))
    conversation = Conversation((Message("user", media), Message("assistant", (Text("red"),))))
    inputs = dict(processor(conversation))
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[:, -4:] = inputs["input_ids"][:, -4:]
    return {**inputs, "labels": labels}


def gradients(model: PVCForConditionalGeneration) -> dict[str, Tensor]:
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


ALL_LORA = {
    "lora": Lora(2, 4),
    "tower_lora": Lora(3, 3),
    "compressor_lora": Lora(1, 2),
}


def test_merging_adapters_in_every_part_does_not_change_the_answers(folder: Path) -> None:
    model, processor = prepared(folder, **ALL_LORA)
    trained = trained_parameters(model)
    ranks = {part_of(name): p.shape[0] for name, p in trained.items() if "lora_A" in name}
    assert ranks == {"language_model": 2, "tower": 3, "backbone": 3, "compressor": 1}
    assert all(".lora_" in name for name in trained)
    with torch.no_grad():
        for name, parameter in trained.items():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    inputs = batch(processor)
    model.eval()
    with torch.no_grad():
        before = model(**inputs).logits
        merge_lora(model)
        after = model(**inputs).logits
    assert not any("lora" in name or "base_layer" in name for name in model.state_dict())
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_adapters_are_loaded_as_they_were_saved(folder: Path, tmp_path: Path) -> None:
    settings = tiny_recipe(folder, "out", **ALL_LORA)
    model, _ = prepared(folder, **ALL_LORA)
    with torch.no_grad():
        for parameter in trained_parameters(model).values():
            parameter.normal_()
    save_trained(model, tmp_path, settings)
    again, _ = prepared(folder, **ALL_LORA)
    load_trained(again, tmp_path)
    for (name, a), (_, b) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("part", PARTS)
def test_only_a_frozen_part_has_no_gradient(folder: Path, part: str) -> None:
    model, processor = prepared(folder, freeze=(part,), lora=None, train_language_model=True)
    model(**batch(processor)).loss.backward()
    parts = {part_of(name) for name in gradients(model)}
    assert parts == set(PARTS) - {part, "concepts"}  # this model has no concepts


def test_every_part_has_its_learning_rate(folder: Path) -> None:
    rates = {"backbone_learning_rate": 1.0, "learning_rate": 2.0, "compressor_learning_rate": 3.0}
    rates |= {"language_learning_rate": 4.0}
    settings = tiny_recipe(folder, "out", lora=None, train_language_model=True, **rates)
    model, _ = load_initial_model(settings.model)
    prepare_parts(model, settings)
    named = {id(p): part_of(name) for name, p in model.named_parameters()}
    found = {
        named[id(p)]: group["lr"]
        for group in parameter_groups(model, settings)
        for p in group["params"]
    }
    assert found == {"backbone": 1.0, "tower": 2.0, "compressor": 3.0, "language_model": 4.0}


def test_weights_trained_by_an_earlier_stage_are_saved_with_those_of_this_one(
    folder: Path, tmp_path: Path
) -> None:
    first = tiny_recipe(folder, "out", lora=None, freeze=("language_model",))
    model, _ = load_initial_model(first.model)
    prepare_parts(model, first)
    with torch.no_grad():
        for parameter in trained_parameters(model).values():
            parameter.add_(1)
    save_trained(model, tmp_path / "first", first)

    second = tiny_recipe(folder, "out", freeze=("backbone", "tower", "compressor"))
    model, _ = load_initial_model(second.model)
    prepare_parts(model, second)
    start_from(model, tmp_path / "first")
    save_trained(model, tmp_path / "second", second)
    before, after = read_tensors(tmp_path / "first"), read_tensors(tmp_path / "second")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert any(".lora_" in name for name in after.keys() - before.keys())


def test_frozen_adapters_of_an_earlier_stage_do_not_change(folder: Path, tmp_path: Path) -> None:
    first = tiny_recipe(folder, "out")
    model, _ = prepared(folder)
    with torch.no_grad():
        for parameter in trained_parameters(model).values():
            parameter.add_(1)
    save_trained(model, tmp_path / "first", first)

    freeze = ("backbone", "tower", "language_model")
    second = tiny_recipe(folder, "out", freeze=freeze, start_from=str(tmp_path / "first"))
    model, _ = load_initial_model(second.model)
    prepare_parts(model, second)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {part_of(name) for name in trained} == {"compressor"}
    start_from(model, tmp_path / "first")
    save_trained(model, tmp_path / "second", second)
    before, after = read_tensors(tmp_path / "first"), read_tensors(tmp_path / "second")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (tmp_path / "second" / "adapter_config.json").is_file()


def test_the_card_lists_the_trained_parts(folder: Path) -> None:
    alone = ("backbone", "tower", "compressor", "language_model")
    names = tiny_recipe(folder, "out", freeze=alone, start_from="runs/earlier")
    assert what_is_trained(names) == "class word embeddings"
    assert what_is_trained(tiny_recipe(folder, "out", freeze=("tower",))) == (
        "compressor, language model (LoRA, rank 2)"
    )


def test_adapters_of_an_earlier_stage_are_not_dropped_silently(
    folder: Path, tmp_path: Path
) -> None:
    model, _ = prepared(folder)
    save_trained(model, tmp_path / "run" / "trained", tiny_recipe(folder, "out"))
    other, _ = prepared(folder, lora=None)
    with pytest.raises(ValueError, match="holds adapters that this recipe does not have"):
        start_from(other, tmp_path / "run" / "trained")


def test_checkpointed_activations_give_equal_gradients(folder: Path) -> None:
    model, processor = prepared(folder, lora=None, train_language_model=True)
    inputs = batch(processor)
    model.train()
    model(**inputs).loss.backward()
    kept = gradients(model)
    model.zero_grad(set_to_none=True)

    calls = []
    count = model.tower.backbone.layers[0].attn.register_forward_hook(
        lambda *_: calls.append("vit")
    )
    temporal = model.tower.blocks[1].temporal_attn.register_forward_hook(
        lambda *_: calls.append("temporal")
    )
    checkpoint_activations(model)
    model(**inputs).loss.backward()
    assert calls.count("vit") == 2  # forward, and again in the backward pass
    assert calls.count("temporal") == 4  # the same, for each shape of clip
    computed_again = gradients(model)
    assert kept.keys() == computed_again.keys()
    for name in kept:
        torch.testing.assert_close(computed_again[name], kept[name], atol=1e-7, rtol=1e-5)
    count.remove()
    temporal.remove()


def test_text_alone_runs_the_tower_and_learns_nothing_from_it() -> None:
    model = build_model("test").train()
    ids = torch.arange(3, 12)[None]
    calls = []
    model.compressor.register_forward_hook(lambda *_: calls.append(1))
    plain = model(input_ids=ids, labels=ids).loss
    vision = build_dummy_vision_inputs({}, 3, 32, torch.device("cpu"))
    visual = add_zero_vision_dependency(model.encode(**vision), 0)
    assert len(calls) == 3
    assert visual.shape == (0, 16)
    with_vision = model(input_ids=ids, labels=ids, visual_tokens=visual).loss
    assert torch.equal(plain, with_vision)
    with_vision.backward()
    vision = {n: p.grad for n, p in model.named_parameters() if not n.startswith("language_model.")}
    assert all(grad is not None and not grad.any() for grad in vision.values())


def test_more_shapes_than_a_batch_has_change_no_visual_token() -> None:
    model = build_model("test").eval()
    clips = {
        "pixel_values": torch.randn(3, 3, 32, 32),
        "clip_frames": torch.tensor([1, 2]),
        "clip_looks": torch.tensor([2, 2]),
        "timesteps": torch.tensor([0.0, 0.5, 0.0, 0.5]),
    }
    vision = build_dummy_vision_inputs(clips, 5, 32, torch.device("cpu"))
    assert clip_shapes(vision) == {(1, 2), (2, 2), (1, 1), (1, 3), (1, 4)}
    with torch.no_grad():
        plain = model.encode(**clips)
        assert torch.equal(add_zero_vision_dependency(model.encode(**vision), len(plain)), plain)


def test_large_sets_of_tensors_are_written_in_several_files(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((4,), float(i)) for i in range(5)}
    write_tensors(tensors.items(), tmp_path, "model", limit=32)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("model-2.safetensors", "model-3.safetensors", "model.safetensors")
    ]
    found = read_tensors(tmp_path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
