"""DualPath: equal to its formulae; at first its spatial path is CLIP and its blocks leave grids."""

from dataclasses import replace

import pytest
import torch

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model, scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.dualpath import DualPath
from vlm.encoders.on_image import vit_config

NAMES = ["dualpath-test", "dualpath-paper-test"]


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_formulae_written_out(name: str) -> None:
    tower, expected = build_tower(PRESETS[name].tower).eval(), golden.read("two_paths")
    golden.fill(tower)
    out = tower(golden.clip(1, 7, 16))
    torch.testing.assert_close(out.tokens, expected[f"{name}.tokens"], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, expected[f"{name}.pooled"], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_at_first_the_spatial_path_is_clip_and_blocks_leave_the_grids(name: str) -> None:
    config = PRESETS[name].tower
    tower, image = build_tower(config).eval(), image_model(config)
    load_image_model(tower, image, config)
    clip = golden.clip(2, 6, 16)
    tokens, _ = frame_features(image, clip[:, [0, 2, 4]])
    out = tower(clip)
    assert out.tokens.shape[1] == 2 + 3  # grids, then frames
    torch.testing.assert_close(out.tokens[:, 2:], tokens[:, :, 1:], atol=1e-5, rtol=1e-4)
    grids = torch.randn(4, 5, 16)
    assert torch.equal(tower.blocks[0].over_time(grids), grids)


def test_a_grid_shows_its_frames_row_by_row() -> None:
    tower = build_tower(PRESETS["dualpath-test"].tower)
    assert isinstance(tower, DualPath)
    gray = torch.arange(8.0).view(1, 8, 1, 1, 1).expand(1, 8, 3, 16, 16)
    grids = tower.framesets(gray)
    corners = grids[:, :, 0, ::15, ::15].reshape(2, 4)
    torch.testing.assert_close(corners, torch.arange(8.0).view(2, 4))


def test_patches_between_two_small_frames_get_a_number_between() -> None:
    config = vit_config("dualpath", "clip", "test", hidden_dim=4, pooled_dim=6)
    tower = build_tower(replace(config, image_size=8 * 14))
    assert isinstance(tower, DualPath)
    number = tower.small_frames(2, (14, 14))
    assert number.shape == (2, 14, 14)
    assert number[0, 0, 0] == 1
    assert number[1, -1, -1] == 32
    assert number[0, 0, 3].item() % 1 != 0  # the fourth of fourteen patches over four frames


def test_time_alone_tells_clips_apart_that_have_the_same_spatial_frames() -> None:
    tower = scrambled(build_tower(PRESETS["dualpath-test"].tower))
    clip = golden.clip(1, 8, 16)
    other = clip[:, [0, 3, 2, 1, 4, 5, 6, 7]]  # frames 0, 2 and 5 stay
    a, b = tower(clip), tower(other)
    assert torch.equal(a.tokens[:, 2:], b.tokens[:, 2:])
    assert not torch.allclose(a.pooled, b.pooled, atol=1e-5)
