"""The best masks that patches of a size can show."""

from pathlib import Path

import numpy as np

from data.tasks.toy.sets import TOY_SETS
from evaluation.encoders.best_masks import fitted, table


def test_a_mask_of_whole_patches_is_fitted_and_a_finer_one_is_not() -> None:
    mask = np.zeros((2, 32, 32), bool)
    mask[0, 8:24, 8:24] = True
    found = fitted(mask, 32) > 0
    assert np.array_equal(found, mask)
    small = np.zeros((1, 32, 32), bool)
    small[0, 15:17, 4:6] = True
    assert not np.array_equal(fitted(small, 4) > 0, small)


def test_finer_patches_score_higher_on_toy_sets(tmp_path: Path) -> None:
    for name in ("ytvis", "mevis"):
        TOY_SETS[name](tmp_path / name, 10, 0)
    rows = [line.split("|") for line in table(tmp_path, [4, 16]).splitlines()[2:]]
    coarse, fine = ([float(cell) for cell in row[2:6]] for row in rows)
    assert all(a <= b for a, b in zip(coarse, fine, strict=True))
    assert coarse[0] < fine[0]
