"""Masks in COCO's form: packing, and that nothing unchecked reaches pycocotools."""

import itertools

import numpy as np
import pytest
from pycocotools import mask as coco

from data.tasks.annotations import Rle
from data.tasks.masks import as_coco, as_json, checked, pack, unpack


def random_mask(rng: np.random.Generator) -> np.ndarray:
    height, width = (int(side) for side in rng.integers(1, 40, 2))
    return rng.random((height, width)) < rng.choice([0.0, 0.02, 0.5, 0.98, 1.0])


def runs_of(mask: np.ndarray) -> list[int]:
    """Run lengths, column by column, the first of zeros: written as COCO's paper explains them."""
    runs, value = [0], False
    for pixel in mask.T.flatten():
        if pixel != value:
            runs.append(0)
            value = not value
        runs[-1] += 1
    return runs


@pytest.mark.parametrize("seed", range(30))
def test_a_mask_is_the_same_after_packing_and_in_both_forms_of_a_file(seed: int) -> None:
    mask = random_mask(np.random.default_rng(seed))
    packed = pack(mask)
    assert (unpack(packed) == mask).all()
    assert checked(as_json(packed)) == packed
    assert checked({"size": list(mask.shape), "counts": runs_of(mask)}) == packed
    assert checked(as_coco(packed), mask.shape) == packed


def test_a_large_mask_with_long_runs_is_read() -> None:
    mask = np.zeros((1080, 1920), dtype=bool)
    mask[1079, 1919] = True
    assert checked(as_json(pack(mask))) == pack(mask)


def test_text_that_is_accepted_is_what_pycocotools_would_unpack() -> None:
    """Changed texts are refused, or have exactly the pixels of the picture."""
    rng = np.random.default_rng(0)
    accepted = refused = 0
    for _ in range(300):
        mask = random_mask(rng)
        text = bytearray(pack(mask).counts)
        for place in rng.integers(0, len(text), 2):
            text[place] = int(rng.integers(48, 112))
        try:
            found = checked({"size": list(mask.shape), "counts": bytes(text)})
        except ValueError:
            refused += 1
            continue
        accepted += 1
        assert unpack(found).sum() == coco.area(as_coco(found))
    assert refused > 200
    assert accepted > 0


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, 'must be {"size"'),
        ({"size": [4, 4]}, 'must be {"size"'),
        ({"size": [4], "counts": [16]}, "[height, width]"),
        ({"size": [4, True], "counts": [16]}, "[height, width]"),
        ({"size": [0, 4], "counts": []}, "[height, width]"),
        ({"size": [10**6, 10**6], "counts": "0"}, "more than"),
        ({"size": [4, 4], "counts": [15]}, "do not add up to its 16 pixels"),
        ({"size": [4, 4], "counts": [17, -1]}, "do not add up"),
        ({"size": [4, 4], "counts": [16.0]}, "not whole numbers"),
        ({"size": [4, 4], "counts": [True] * 16}, "not whole numbers"),
        ({"size": [4, 4], "counts": 16}, "neither text nor a list"),
        ({"size": [4, 4], "counts": ""}, "not COCO's text"),
        ({"size": [4, 4], "counts": "ä"}, "not COCO's text"),
        ({"size": [4, 4], "counts": " "}, "not COCO's text"),
        ({"size": [4, 4], "counts": "P"}, "not COCO's text"),  # goes on, but ends
        ({"size": [4, 4], "counts": "o" * 40}, "not COCO's text"),
        ({"size": [4, 4], "counts": "ooooooo0"}, "not COCO's text"),
        ({"size": [4, 4], "counts": "`0o0"}, "do not add up"),
    ],
)
def test_a_mask_that_would_write_outside_of_its_picture_is_refused(
    value: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match="^(must|is|has)") as error:
        checked(value)
    assert sentence in str(error.value)


def test_a_mask_of_another_size_than_its_video_is_refused() -> None:
    with pytest.raises(ValueError, match="is 2 x 3 pixels, but its video 3 x 2"):
        checked(as_json(pack(np.ones((2, 3), dtype=bool))), (3, 2))


def test_all_short_texts_are_refused_or_safe() -> None:
    for text in itertools.product("0OPo", repeat=3):
        value = {"size": [3, 5], "counts": "".join(text)}
        try:
            found = checked(value)
        except ValueError:
            continue
        assert isinstance(found, Rle)
        assert unpack(found).shape == (3, 5)
