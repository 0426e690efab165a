"""A frozen backbone runs once per image, and nothing else changes."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from data.samples.disk_cache import DiskCache
from tests.trainable import base_folder, tiny_recipe, trained
from training.model.feature_cache import cache_backbone_features
from training.run import prepare_model, train
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config

TIMES = [0.0, 0.5] * 3


@pytest.fixture
def model() -> PVCForConditionalGeneration:
    torch.manual_seed(0)
    model = PVCForConditionalGeneration(preset_config("test"))
    model.tower.backbone.requires_grad_(False)
    return model


def count_images(model: PVCForConditionalGeneration) -> list[int]:
    """The number of images in each further call of the backbone."""
    calls: list[int] = []

    def count(_: object, images: tuple[Tensor]) -> None:
        calls.append(len(images[0]))

    model.tower.backbone.register_forward_pre_hook(count)
    return calls


def images(number: int) -> Tensor:
    return torch.randn(number, 3, 32, 32, generator=torch.Generator().manual_seed(number))


def test_each_image_is_computed_once_and_has_the_same_features_again(
    model: PVCForConditionalGeneration, tmp_path: Path
) -> None:
    seen = images(3)
    plain = model.encode(seen, [1] * 3, [2] * 3, TIMES)
    cache_backbone_features(model, DiskCache(tmp_path, 2**30))
    calls = count_images(model)
    first = model.encode(seen, [1] * 3, [2] * 3, TIMES)
    torch.testing.assert_close(first, plain, atol=2e-3, rtol=2e-3)  # half precision
    assert torch.equal(model.encode(seen, [1] * 3, [2] * 3, TIMES), first)
    assert torch.equal(model.encode(seen[[2, 0]], [1] * 2, [2] * 2, TIMES[:4])[:8], first[16:])
    assert calls == [3]
    other = seen + 1
    other[1] = seen[1]
    model.encode(other, [1] * 3, [2] * 3, TIMES)
    assert calls == [3, 2]


def test_layers_above_the_backbone_still_receive_gradients(
    model: PVCForConditionalGeneration, tmp_path: Path
) -> None:
    cache_backbone_features(model, DiskCache(tmp_path, 2**30))
    for _ in range(2):
        model.zero_grad()
        model.encode(images(3), [1] * 3, [2] * 3, TIMES).square().sum().backward()
        assert all(
            p.grad is not None and p.grad.abs().sum() > 0
            for p in model.tower.blocks[0].mlp.parameters()
        )


def test_another_backbone_misses_the_cache(
    model: PVCForConditionalGeneration, tmp_path: Path
) -> None:
    disk = DiskCache(tmp_path, 2**30)
    calls = count_images(model)
    for _ in range(2):
        cache_backbone_features(model, disk)
        model.encode(images(3), [1] * 3, [2] * 3, TIMES)
    assert calls == [3]
    with torch.no_grad():
        next(model.tower.backbone.parameters()).mul_(2)
    cache_backbone_features(model, disk)
    model.encode(images(3), [1] * 3, [2] * 3, TIMES)
    assert calls == [3, 3]


def test_a_trained_backbone_is_not_cached(tmp_path: Path) -> None:
    folder = base_folder(tmp_path)
    with pytest.raises(ValueError, match=r"recipe trains it: freeze it"):
        prepare_model(tiny_recipe(folder, "run", feature_cache_gb=0.1))


def test_a_run_trains_the_same_weights_with_a_full_and_an_empty_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    folder = base_folder(tmp_path)
    ends = []
    for name in ("empty", "full"):
        recipe = tiny_recipe(folder, name, steps=3, feature_cache_gb=0.1, freeze=("backbone",))
        train(recipe)
        ends.append(trained(recipe))
    assert list((tmp_path / "cache" / "features").glob("*/*.safetensors"))
    assert f"{tmp_path / 'cache' / 'features'} holds 0.0 GB" in capsys.readouterr().out
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_features_computed_in_bfloat16_are_cached_separately(
    model: PVCForConditionalGeneration, tmp_path: Path
) -> None:
    cache_backbone_features(model, DiskCache(tmp_path, 2**30))
    calls = count_images(model)
    for _ in range(2):
        model.encode(images(3), [1] * 3, [2] * 3, TIMES)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model.encode(images(3), [1] * 3, [2] * 3, TIMES)
    assert calls == [3, 3]
