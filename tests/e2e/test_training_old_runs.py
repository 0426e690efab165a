"""Runs of older versions resume by the rules they were started by; runs notice what has changed."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.trainable import base_folder, in_processes, tiny_recipe, trained
from training.checkpoints import folders, run_identity
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.recipe import Recipe, Source
from training.run import train

pytestmark = pytest.mark.usefixtures("in_float32")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return base_folder(tmp_path)


def write_as_older_versions(patch: pytest.MonkeyPatch) -> None:
    """Trains by the rules of version 1, and records neither weights, media nor the version."""
    write = folders.write_json

    def write_json(value: Any, path: Path) -> None:
        if path.name == folders.FINGERPRINT:
            value = {key: value[key] for key in ("recipe", "data")}
        write(value, path)

    patch.setattr(run_identity, "LOOP_VERSION", 1)
    patch.setattr(folders, "write_json", write_json)


def stop_before(recipe: Recipe, step: int, patch: pytest.MonkeyPatch) -> None:
    step_of = ReproducibleTrainer.training_step

    def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
        if self.state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return step_of(self, *args)

    def killed() -> None:
        patch.setattr(ReproducibleTrainer, "training_step", training_step)
        train(recipe)

    assert in_processes(killed) == [-signal.SIGKILL]


def made_of(recipe: Recipe, step: int) -> dict[str, Any]:
    path = Path(recipe.output) / f"checkpoint-{step}" / folders.FINGERPRINT
    return json.loads(path.read_text(encoding="utf-8"))


def test_an_older_run_resumes_with_a_note_and_in_its_own_bits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common: dict[str, Any] = {
        "data": (Source("mixed.jsonl"),), "batch_size": 1, "gradient_accumulation_steps": 2,
        "save_every": 2, "warmup_ratio": 0.5,
    }  # fmt: skip
    whole, stopped, new = (tiny_recipe(folder, name, **common) for name in ("a", "b", "c"))
    with monkeypatch.context() as patch:
        write_as_older_versions(patch)
        train(whole)
        stop_before(stopped, 3, patch)
    assert made_of(stopped, 2).keys() == {"recipe", "data"}
    train(stopped)
    printed = capsys.readouterr().out
    assert "checkpoint-2 is of an older version, which did not record the base weights" in printed
    assert made_of(stopped, 6)["loop"] == 1
    old, resumed = trained(whole), trained(stopped)
    assert all(torch.equal(old[name], resumed[name]) for name in old)
    train(new)
    assert made_of(new, 6)["loop"] == 2
    assert not all(torch.equal(old[name], value) for name, value in trained(new).items())


def test_a_run_is_not_resumed_with_another_picture_but_from_a_moved_folder(folder: Path) -> None:
    recipe = tiny_recipe(folder / "first", "run", steps=2)
    base_folder_at(folder / "first")
    train(recipe)
    (folder / "first").rename(folder / "second")
    moved = tiny_recipe(folder / "second", "run", steps=2)
    train(moved)
    Image.new("RGB", (40, 30), "green").save(folder / "second" / "0.png")
    with pytest.raises(ValueError, match=r"other media \(0.png has changed\)"):
        train(moved)
    train(moved, allow_changes=True)


def base_folder_at(root: Path) -> None:
    root.mkdir()
    base_folder(root)


def test_a_resumed_run_saves_as_often_as_its_recipe_requests(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(folder, "often", save_every=2, save_total_limit=9)
    with monkeypatch.context() as patch:
        stop_before(recipe, 3, patch)
    train(replace(recipe, save_every=1))
    steps = [folders.step_of(path) for path in folders.checkpoints(Path(recipe.output))]
    assert steps == [6, 5, 4, 3, 2]
