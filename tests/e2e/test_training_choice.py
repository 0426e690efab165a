"""How long a run lasts and which weights it keeps: epochs, schedules, best checkpoint, patience."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainable import base_folder, in_processes, tiny_recipe, trained
from training import trainer as trainer_module
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.recipe import Recipe
from training.run import train

pytestmark = pytest.mark.usefixtures("in_float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("choice"))


def kill_before(recipe: Recipe, step: int) -> None:
    """Trains in a process that is killed before a step."""
    step_of = ReproducibleTrainer.training_step

    def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
        if self.state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return step_of(self, *args)

    def killed() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ReproducibleTrainer, "training_step", training_step)
            train(recipe)

    assert in_processes(killed) == [-signal.SIGKILL]


def held_out_losses(patch: pytest.MonkeyPatch, losses: dict[int, float]) -> None:
    """Replaces the held-out loss of each step."""
    patch.setattr(
        trainer_module, "held_out_loss", lambda trainer, *_: losses[trainer.state.global_step]
    )


def checkpoint_weights(recipe: Recipe, step: int) -> dict[str, torch.Tensor]:
    return load_file(Path(recipe.output) / f"checkpoint-{step}" / "model.safetensors")


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def rates(recipe: Recipe) -> list[float]:
    text = (Path(recipe.output) / "journal.jsonl").read_text(encoding="utf-8")
    lines = map(json.loads, text.splitlines())
    return [line["learning_rate"] for line in lines if "learning_rate" in line]


def test_epochs_become_steps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tiny_recipe(folder, "epochs", num_epochs=1.5, gradient_accumulation_steps=2)
    train(recipe)  # 8 records, 4 in a step
    assert "3 steps of 4 conversations" in capsys.readouterr().out
    train(recipe)  # finished: nothing is trained again
    with pytest.raises(ValueError, match="an epoch of packed rows is not known"):
        train(replace(recipe, packing=200))


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant_with_warmup"])
def test_a_schedule_starts_above_zero_and_resumes_in_the_same_bits(
    folder: Path, schedule: str
) -> None:
    common: dict[str, Any] = {
        "lr_scheduler_type": schedule, "warmup_ratio": 0.5, "save_every": 1, "learning_rate": 3e-3,
    }  # fmt: skip
    whole, stopped = (tiny_recipe(folder, f"{schedule} {n}", **common) for n in range(2))
    train(whole)
    kill_before(stopped, 2)  # during the warm-up of three steps
    train(stopped)
    assert_equal(trained(stopped), trained(whole))
    found = rates(whole)
    assert found[:3] == pytest.approx([1e-3, 2e-3, 3e-3])
    ends = {"cosine": 3e-3 * 0.25, "linear": 1e-3, "constant_with_warmup": 3e-3}
    assert found[-1] == pytest.approx(ends[schedule])
    assert rates(stopped) == found


def test_the_best_checkpoint_is_kept_and_saved_whether_stopped_or_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {1: 3.0, 2: 1.0, 3: 2.0, 4: 5.0, 5: 4.0, 6: 1.5}
    held_out_losses(monkeypatch, losses)
    common: dict[str, Any] = {
        "evaluation": ("records.jsonl",), "load_best_model_at_end": True, "save_every": 1,
        "save_total_limit": 1,
    }  # fmt: skip
    whole, stopped = (tiny_recipe(folder, f"best {n}", **common) for n in range(2))
    train(whole)
    assert "Kept the weights of step 2" in capsys.readouterr().out
    assert {path.name for path in Path(whole.output).glob("checkpoint-*")} == {
        "checkpoint-2",
        "checkpoint-6",
    }
    assert_equal(trained(whole), checkpoint_weights(whole, 2))
    kill_before(stopped, 4)
    moved = Path(stopped.output).rename(folder / "moved run")  # the best is found there as well
    stopped = replace(stopped, output=str(moved))
    train(stopped)
    assert_equal(trained(stopped), trained(whole))


def test_a_run_stops_early_and_the_same_command_trains_no_further(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {1: 3.0, 2: 1.0, 3: 2.0, 4: 1.5, 5: 0.1, 6: 0.1}
    held_out_losses(monkeypatch, losses)
    common: dict[str, Any] = {
        "evaluation": ("records.jsonl",), "load_best_model_at_end": True, "save_every": 1,
        "early_stopping_patience": 2,
    }  # fmt: skip
    whole, stopped = (tiny_recipe(folder, f"patience {n}", **common) for n in range(2))
    train(whole)
    printed = capsys.readouterr().out
    assert "Stopped early at step 4 of 6: 2 checkpoints in a row had no lower" in printed
    assert_equal(trained(whole), checkpoint_weights(whole, 2))
    train(whole)
    assert not (Path(whole.output) / "checkpoint-5").exists()
    assert_equal(trained(whole), checkpoint_weights(whole, 2))
    kill_before(stopped, 3)  # one of two without a better one
    train(stopped)
    assert not (Path(stopped.output) / "checkpoint-5").exists()
    assert_equal(trained(stopped), trained(whole))


def test_other_held_out_records_are_refused_where_they_choose_the_weights(folder: Path) -> None:
    recipe = tiny_recipe(
        folder, "chosen", steps=2, evaluation=("records.jsonl",), load_best_model_at_end=True
    )
    train(recipe)
    with pytest.raises(ValueError, match=r"another recipe \(evaluation: "):
        train(replace(recipe, evaluation=("mixed.jsonl",)))


def test_a_probe_is_asked_before_and_after(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tiny_recipe(folder, "probed", steps=4, save_every=2, probe=("facts",))
    train(recipe)
    printed = capsys.readouterr().out
    assert "other questions: 0/24 right before the first step" in printed
    assert "other questions: 0/24 before, 0/24 after" in printed
    counts = json.loads((Path(recipe.output) / "probe.json").read_text(encoding="utf-8"))
    assert counts == {"before": 0, "total": 24, "steps": {"2": 0, "4": 0}}
    plain = tiny_recipe(folder, "not probed", steps=4, save_every=2)
    train(plain)
    assert_equal(trained(plain), trained(recipe))  # asking changes nothing
