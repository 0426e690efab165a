"""A published image model becomes the base of an encoder; nothing is lost in silence."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from tests import golden
from tests.image_models import frame_features, image_model, scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.config import BackboneConfig
from vlm.weights.io.files import WeightsError
from vlm.weights.video_models.image_base import load_image_base

ADDED = {
    "aim-test": ("time", "adapter"),
    "vpt-deep-test": ("prompts",),
    "streamformer-test": ("time", "gate", "lora"),
    "uniformerv2-test": ("global_blocks", "queries", "balance", "norm."),
}


@pytest.mark.parametrize("name", ADDED)
def test_only_what_the_encoder_adds_stays_fresh(name: str, tmp_path: Path) -> None:
    config = PRESETS[name].tower
    image_model(config).save_pretrained(tmp_path)
    tower = build_tower(config)
    before = {key: tensor.clone() for key, tensor in tower.state_dict().items()}
    fresh = load_image_base(tmp_path, tower, config)
    assert all(any(part in key for part in ADDED[name]) for key in fresh)
    after = tower.state_dict()
    assert {key for key in before if torch.equal(before[key], after[key])} == set(fresh)


def test_an_encoder_with_siglips_head_gets_it_too(tmp_path: Path) -> None:
    config = PRESETS["streamformer-test"].tower
    image = image_model(config)
    image.save_pretrained(tmp_path)
    tower = build_tower(config).eval()
    load_image_base(tmp_path, tower, config)
    with torch.no_grad():
        tower.time.zero_()
    clip = golden.clip(2, 3, 16)
    _, pooled = frame_features(image, clip)
    torch.testing.assert_close(tower(clip).global_token, pooled, atol=1e-5, rtol=1e-4)


def test_the_projection_comes_from_the_whole_clip(tmp_path: Path) -> None:
    config = PRESETS["dualpath-test"].tower
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    clip = scrambled(
        CLIPModel(
            CLIPConfig(
                vision_config={**sizes, "image_size": 16, "patch_size": 8},
                text_config={**sizes, "vocab_size": 5},
                projection_dim=6,
            )
        )
    )
    clip.save_pretrained(tmp_path)
    tower = build_tower(config)
    load_image_base(tmp_path, tower, config)
    assert torch.equal(tower.proj.weight, clip.visual_projection.weight)


def test_a_convolution_over_three_frames_starts_at_the_middle_one(tmp_path: Path) -> None:
    config = PRESETS["uniformerv2-ssv2-test"].tower
    image = image_model(config)
    image.save_pretrained(tmp_path)
    tower = build_tower(config)
    load_image_base(tmp_path, tower, config)
    weight = tower.stem.patch_embedding.weight
    embeddings = image.get_submodule("embeddings")
    assert torch.equal(weight[:, :, 1], embeddings.patch_embedding.weight)
    assert not weight[:, :, ::2].any()


def test_timesformer_starts_its_other_groupings_as_the_image_models_attention(
    tmp_path: Path,
) -> None:
    preset = PRESETS["timesformer-axial-test"].tower
    config = replace(preset, backbone=BackboneConfig("clip", 8, 2))
    image_model(config).save_pretrained(tmp_path)
    tower = build_tower(config)
    load_image_base(tmp_path, tower, config)
    for block in tower.blocks:
        for part in block.first:
            assert torch.equal(part.attn.qkv.weight, block.attn.qkv.weight)
            assert torch.equal(part.norm.bias, block.norm1.bias)
            assert not part.out.weight.any()


def test_another_family_is_refused(tmp_path: Path) -> None:
    image_model(PRESETS["streamformer-test"].tower).save_pretrained(tmp_path)
    config = PRESETS["aim-test"].tower
    with pytest.raises(WeightsError, match="has a siglip image model, and this encoder"):
        load_image_base(tmp_path, build_tower(config), config)


def test_another_depth_is_refused(tmp_path: Path) -> None:
    config = PRESETS["aim-test"].tower
    image_model(config).save_pretrained(tmp_path)
    deeper = replace(config, backbone=replace(config.backbone, depth=3))
    with pytest.raises(WeightsError, match="missing: .*layers.2"):
        load_image_base(tmp_path, build_tower(deeper), deeper)
    shallower = replace(config, backbone=replace(config.backbone, depth=1))
    with pytest.raises(WeightsError, match="unexpected: .*layers.1"):
        load_image_base(tmp_path, build_tower(shallower), shallower)
