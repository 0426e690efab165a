"""A resumed run is compared with its checkpoint, including those of older versions."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainable import tiny_recipe
from training.checkpoints.run_identity import fingerprint, refuse_changes
from training.merge import read_recipe
from training.recipe import recipe_values

OLD_KEYS = {
    "gradient_accumulation_steps": "accumulation",
    "warmup_ratio": "warmup",
    "save_total_limit": "keep",
}


def with_old_keys(values: dict[str, Any]) -> dict[str, Any]:
    return {OLD_KEYS.get(name, name): value for name, value in values.items()}


def test_a_run_with_the_old_recipe_keys_is_the_same_run(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "run", gradient_accumulation_steps=2, warmup_ratio=0.25)
    now = fingerprint(recipe, 1)
    before = {**now, "recipe": with_old_keys(now["recipe"])}
    assert before["recipe"]["warmup"] == 0.25
    refuse_changes(before, now, tmp_path)
    other = fingerprint(tiny_recipe(tmp_path, "run", gradient_accumulation_steps=2), 1)
    with pytest.raises(ValueError, match=r"\(warmup_ratio: 0.25 -> 0.03\)"):
        refuse_changes(before, other, tmp_path)


def test_a_run_from_before_a_key_existed_had_its_default(tmp_path: Path) -> None:
    now = fingerprint(tiny_recipe(tmp_path, "run"), 1)
    before = {**now, "recipe": {k: v for k, v in now["recipe"].items() if k != "max_length"}}
    refuse_changes(before, now, tmp_path)
    other = fingerprint(tiny_recipe(tmp_path, "run", max_length=64), 1)
    with pytest.raises(ValueError, match=r"\(max_length: 0 -> 64\)"):
        refuse_changes(before, other, tmp_path)


def test_a_stored_recipe_with_the_old_keys_is_read(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "run", gradient_accumulation_steps=2, save_total_limit=7)
    stored = with_old_keys(recipe_values(recipe))
    assert {"accumulation", "warmup", "keep"} <= stored.keys()
    (tmp_path / "recipe.json").write_text(json.dumps(stored), encoding="utf-8")
    assert read_recipe(tmp_path) == recipe
