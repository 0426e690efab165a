"""UniFormerV2: equal to its formulae, and to CLIP at first."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model
from vlm.encoders import PRESETS, build_tower

GOLDEN = golden.read("uniformerv2")
NAMES = sorted({name.rsplit(".", 1)[0] for name in GOLDEN})


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_formulae_written_out(name: str) -> None:
    tower = build_tower(PRESETS[name].tower).eval()
    golden.fill(tower)
    out = tower(golden.clip(1, 4, 16))
    torch.testing.assert_close(out.tokens, GOLDEN[f"{name}.tokens"], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, GOLDEN[f"{name}.pooled"], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("local", [False, True])
def test_at_first_it_is_clip_frame_by_frame(local: bool) -> None:
    config = PRESETS["uniformerv2-test"].tower
    config = replace(config, options={**config.options, "local": local})
    tower, image = build_tower(config).eval(), image_model(config)
    load_image_model(tower, image, config)
    clip = golden.clip(2, 4, 16)
    hidden = image(pixel_values=clip.flatten(0, 1)).last_hidden_state.unflatten(0, (2, 4))
    out = tower(clip)
    torch.testing.assert_close(out.tokens, hidden[:, :, 1:], atol=1e-5, rtol=1e-4)
    half = hidden[:, :, 0].mean(1) / 2  # F is zero, and w starts at one half
    pooled = F.layer_norm(half, (16,), tower.norm.weight, tower.norm.bias)
    torch.testing.assert_close(out.pooled, pooled, atol=1e-5, rtol=1e-4)
    assert frame_features(image, clip)[0].shape[2] == 5


def test_only_the_form_for_something_something_mixes_frames_in_its_tokens() -> None:
    clip = golden.clip(1, 4, 16)
    other = torch.cat([clip[:, :2], clip[:, 2:].flip(1)], 1)
    for name, local in (("uniformerv2-test", False), ("uniformerv2-ssv2-test", True)):
        tower = build_tower(PRESETS[name].tower).eval()
        golden.fill(tower)
        first = [tower(x).tokens[:, :1] for x in (clip, other)]
        assert torch.equal(*first) == (not local)
        assert not torch.allclose(tower(clip).pooled, tower(other).pooled, atol=1e-5)


def test_an_odd_clip_is_continued_by_its_last_frame() -> None:
    tower = build_tower(PRESETS["uniformerv2-ssv2-test"].tower).eval()
    golden.fill(tower)
    clip = golden.clip(1, 5, 16)
    even = torch.cat([clip, clip[:, -1:]], 1)
    assert torch.equal(tower(clip).tokens, tower(even).tokens)
    assert tower.token_grid(5, 16, 16) == (3, 2, 2)


def test_in_training_the_running_statistics_move() -> None:
    tower = build_tower(PRESETS["uniformerv2-ssv2-test"].tower).train()
    before = tower.blocks[0].time1.norm.running_mean.clone()
    tower(golden.clip(2, 4, 16))
    assert not torch.equal(before, tower.blocks[0].time1.norm.running_mean)


def test_an_unknown_fusion_is_answered_with_the_known_ones() -> None:
    config = replace(PRESETS["uniformerv2-test"].tower, options={"fusion": "late"})
    with pytest.raises(ValueError, match='no fusion "late"; there are sequential, parallel, keys'):
        build_tower(config)
