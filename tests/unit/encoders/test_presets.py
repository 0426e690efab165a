"""Every preset of every encoder has exactly the published number of parameters."""

from collections.abc import Iterable

import pytest
import torch
from torch import nn

from vlm.encoders import ENCODERS, PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.heads.classification import ClassificationHead


def count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(p.numel() for p in parameters)


def trained(module: nn.Module) -> Iterable[nn.Parameter]:
    return (p for p in module.parameters() if p.requires_grad)


def built(name: str) -> VideoEncoder:
    """The preset's encoder without memory for its weights."""
    with torch.device("meta"):
        return build_tower(PRESETS[name].tower)


@pytest.mark.parametrize("name", PRESETS)
def test_the_numbers_of_parameters_are_exact(name: str) -> None:
    preset, tower = PRESETS[name], built(name)
    found = {"all": count(tower.parameters()), "trainable": count(trained(tower))}
    assert found == {"all": preset.parameters, "trainable": preset.num_trainable}


@pytest.mark.parametrize("name", [name for name, p in PRESETS.items() if p.with_head])
def test_with_the_published_head_they_are_the_published_numbers(name: str) -> None:
    preset, tower = PRESETS[name], built(name)
    for num_classes, total in preset.with_head.items():
        head = ClassificationHead(tower.pooled_dim, num_classes, **preset.head)
        added = count(head.parameters())
        assert preset.parameters + added == total
        trainable = preset.trainable_with_head.get(num_classes, total)
        assert preset.num_trainable + added == trainable


def test_no_two_encoders_share_the_name_of_a_preset() -> None:
    names = [name for encoder in ENCODERS.values() for name in encoder.presets]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_builds_its_own_encoder(name: str) -> None:
    encoder = ENCODERS[PRESETS[name].tower.encoder]
    assert name in encoder.presets
    tower = built(name)
    T, H, W = tower.token_grid(PRESETS[name].num_frames, *[PRESETS[name].tower.image_size] * 2)
    assert T > 0
    assert encoder.frame_grid(PRESETS[name].tower) == (H, W)
