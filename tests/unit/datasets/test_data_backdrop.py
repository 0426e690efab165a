"""The backdrop of simulated pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.embedded.classifier import backdrop


@pytest.fixture
def photograph(tmp_path: Path) -> str:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


@pytest.mark.parametrize("seed", range(8))
def test_the_seed_determines_a_square_backdrop(photograph: str, seed: int) -> None:
    ground = backdrop(seed, 64, [photograph])
    assert (ground.shape, ground.dtype) == ((64, 64, 3), np.uint8)
    assert np.array_equal(ground, backdrop(seed, 64, [photograph]))
    assert not np.array_equal(ground, backdrop(seed + 100, 64, [photograph]))


def test_without_photographs_the_backdrop_is_soft_colors() -> None:
    ground = backdrop(0, 64, [])
    assert ground.shape == (64, 64, 3)
    assert ground.std() > 5
