"""`encoder: NAME` in a recipe: what assumes PVC's tower works for any other, or refuses it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from data.samples.disk_cache import DiskCache
from tests.trainable import base_folder, tiny_recipe
from training.dry_run.flops import Shape, sample_cost
from training.dry_run.report import Machine, dry_run, meta_model
from training.model.card import what_is_trained
from training.model.feature_cache import cache_backbone_features
from training.model.initial_model import model_of
from training.model.trainable_parts import part_of, prepare_parts, start_from
from training.model.unread_parameters import unread_parameters
from training.recipe import Recipe, Source
from training.trainer import sharded_layers
from vlm.assemble.swap import config_with_encoder
from vlm.encoders import PRESETS, build_tower
from vlm.fit.estimate import Load, estimate
from vlm.fit.estimate import meta_model as whole_meta_model
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config

pytestmark = pytest.mark.usefixtures("in_float32")
KINDS = ("streamformer-test", "aim-test", "slowfast-test", "mvit-v2-test", "vtn-test")
CLIP = Shape("video", 1.0, clips=1, frames=4, looks=4, text_tokens=12, answer_tokens=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("encoders"))


def at_size(encoder: str, **changes: Any) -> Recipe:
    return Recipe(
        (Source("a.jsonl", 1.0, "video"),), "runs/x", model="test", encoder=encoder, **changes
    )


@pytest.mark.parametrize("encoder", KINDS)
def test_a_dry_run_counts_the_operations_of_the_whole_model(encoder: str) -> None:
    model = meta_model(at_size(encoder, lora=None, train_language_model=True))
    cost = sample_cost(model.bfloat16(), CLIP)
    config = model.config
    real = PVCForConditionalGeneration(config)
    ids = torch.full((1, CLIP.tokens(config)), config.image_token_id)
    ids[:, -CLIP.text_tokens :] = 1
    size = config.image_size
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        real(
            input_ids=ids,
            pixel_values=torch.zeros(4, 3, size, size),
            clip_frames=torch.tensor([4]),
            clip_looks=torch.tensor([4]),
            timesteps=torch.arange(4) / 4,
            logits_to_keep=CLIP.answer_tokens,
        )
    assert cost.forward == counter.get_total_flops()
    # A convolution of few channels costs more backward than forward, as torch counts.
    assert cost.forward < cost.training < 4 * cost.forward
    assert 0 < cost.saved_checkpointed <= cost.saved


def test_a_dry_run_names_the_encoders_tower_and_its_tokens() -> None:
    report = "\n".join(dry_run(at_size("vtn-test"), Machine()))
    assert "| tower | " in report
    assert "progressive" not in report
    assert "16 x 16 pixels and 1 x 1 patches of width 16; a look has 1 tokens" in report


@pytest.mark.parametrize("encoder", KINDS)
def test_memory_is_estimated_for_any_tower(encoder: str) -> None:
    config = config_with_encoder(preset_config("test"), encoder)
    few, many = (
        estimate(config, torch.float32, Load(frames, 1, 2, 512)).encoding for frames in (4, 16)
    )
    assert 0 < few < many
    model = whole_meta_model(config)
    weights = estimate(config, torch.float32, Load(4, 1, 2, 512)).weights
    tensors = [*model.parameters(), *model.buffers()]
    assert weights == sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@pytest.mark.parametrize("encoder", KINDS)
def test_what_the_method_freezes_stays_frozen(encoder: str, folder: Path) -> None:
    recipe = tiny_recipe(folder, "out", encoder=encoder)
    model, _ = model_of(recipe)
    prepare_parts(model, recipe)
    method = {
        n for n, p in build_tower(PRESETS[encoder].tower).named_parameters() if p.requires_grad
    }
    method -= unread_parameters(model.config)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {n.removeprefix("tower.") for n in trained if part_of(n) == "tower"} == method
    assert {part_of(n) for n in trained} == {"tower", "compressor", "language_model"}
    assert all("Llama" in name for name in sharded_layers(model))
    assert "tower" in what_is_trained(recipe)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"encoder": "slowfast-test", "freeze": ("backbone",)}, "the tower is slowfast: freeze"),
        ({"encoder": "slowfast-test", "tower_lora": {"rank": 2}}, "slowfast has only convolutions"),
        ({"encoder": "slofast"}, 'no encoder "slofast"; there are pvc, adaptformer'),
    ],
)
def test_what_does_not_apply_is_one_sentence(
    changes: dict[str, Any], sentence: str, folder: Path
) -> None:
    recipe = tiny_recipe(folder, "out")
    with pytest.raises(ValueError, match=sentence):
        prepare_parts(model_of(replace(recipe, **changes))[0], replace(recipe, **changes))


def test_weights_of_an_encoder_need_the_encoder(folder: Path) -> None:
    with pytest.raises(ValueError, match="give `encoder`"):
        tiny_recipe(folder, "out", encoder_weights="x.pth")


def test_a_feature_cache_is_for_pvcs_tower(folder: Path, tmp_path: Path) -> None:
    model, _ = model_of(tiny_recipe(folder, "out", encoder="vtn-test"))
    with pytest.raises(ValueError, match="this tower is vtn: set it to 0"):
        cache_backbone_features(model, DiskCache(tmp_path, 2**20))


def test_running_statistics_of_an_encoder_trained_alone_are_continued(
    folder: Path, tmp_path: Path
) -> None:
    from training.checkpoints.full_tensors import write_tensors
    from training.model.trainable_parts import trained_parameters

    recipe = tiny_recipe(folder, "out", encoder="r2plus1d-test")
    model, _ = model_of(recipe)
    prepare_parts(model, recipe)
    alone = build_tower(PRESETS["r2plus1d-test"].tower)
    with torch.no_grad():
        for tensor in alone.state_dict().values():
            tensor.add_(1)
    write_tensors(((f"tower.{n}", t) for n, t in alone.state_dict().items()), tmp_path)
    start_from(model, tmp_path)
    named = dict(model.tower.state_dict())
    assert all(torch.equal(named[n], tensor) for n, tensor in alone.state_dict().items())
    saved = trained_parameters(model)
    assert all(f"tower.{n}" in saved for n in alone.state_dict())
