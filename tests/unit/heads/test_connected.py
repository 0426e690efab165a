"""The connected parts of masks in space and time."""

import tracemalloc

import numpy as np
import pytest

from vlm.heads.connected import instances


@pytest.mark.parametrize("shape", [(4, 9, 11), (1, 7, 3), (5, 1, 4), (3, 6, 1)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.6, 1.0])
def test_instances_are_the_connected_parts_as_scipy_finds_them(
    shape: tuple[int, int, int], share: float
) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(3).random(shape) < share
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    theirs = {(labels == k).tobytes() for k in range(1, count + 1)}
    found = instances(mask)
    assert {part.tobytes() for part in found} == theirs
    sizes = [int(part.sum()) for part in found]
    assert sizes == sorted(sizes, reverse=True)
    assert [int(part.sum()) for part in instances(mask, 3, 2)] == [n for n in sizes if n >= 3][:2]


def test_a_long_path_is_one_part() -> None:
    """A snake through every row: a search from pixel to pixel would take as many rounds."""
    mask = np.zeros((1, 401, 400), bool)
    mask[0, ::2] = True
    mask[0, 1::4, -1] = mask[0, 3::4, 0] = True
    (found,) = instances(mask)
    assert np.array_equal(found, mask)


def test_the_parts_of_noise_are_not_all_in_memory() -> None:
    mask = np.random.default_rng(0).random((4, 300, 300)) < 0.05
    tracemalloc.start()
    assert len(instances(mask, most=3)) == 3
    assert tracemalloc.get_traced_memory()[1] < 40 * mask.nbytes
    tracemalloc.stop()
