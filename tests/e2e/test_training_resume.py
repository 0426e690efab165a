"""Nothing is lost: killed runs end in the same bits, broken checkpoints are reported."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.trainable import base_folder, in_processes, tiny_recipe, trained
from tests.waiting import until
from training.checkpoints import folders
from training.checkpoints.folders import find_problem, newest_valid
from training.loop import reproducible_trainer
from training.loop.reproducible_trainer import ReproducibleTrainer
from training.loop.signals import StoppedError
from training.recipe import Recipe
from training.run import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("resume"))


def randomized(folder: Path, output: str, **changes: object) -> Recipe:
    """A recipe with dropout, and with looks drawn for each batch."""
    looks = {"looks": (0.25, 0.25, 0.25, 0.25), "save_every": 2}
    return tiny_recipe(folder, output, **{**looks, **changes})


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> dict[str, torch.Tensor]:
    settings = randomized(folder, "uninterrupted")
    train(settings)
    return trained(settings)


def kill_itself(*args: object, **kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_step(step: int) -> Callable[[pytest.MonkeyPatch], None]:
    def plan(patch: pytest.MonkeyPatch) -> None:
        step_of = ReproducibleTrainer.training_step

        def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
            if self.state.global_step == step:
                kill_itself()
            return step_of(self, *args)

        patch.setattr(ReproducibleTrainer, "training_step", training_step)

    return plan


def while_writing_the_state_of_step(step: int) -> Callable[[pytest.MonkeyPatch], None]:
    def plan(patch: pytest.MonkeyPatch) -> None:
        write = folders.write_json

        def write_json(value: object, path: Path) -> None:
            if path.parent.name == f".checkpoint-{step}.building":
                kill_itself()
            write(value, path)

        patch.setattr(reproducible_trainer.folders, "write_json", write_json)

    return plan


def before_old_ones_are_deleted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reproducible_trainer.folders, "prune", kill_itself)


MOMENTS = {
    "before the first checkpoint": before_step(1),
    "between checkpoints": before_step(3),
    "while one is written": while_writing_the_state_of_step(4),
    "before old ones are deleted": before_old_ones_are_deleted,
}


@pytest.mark.parametrize(("moment", "workers"), zip(MOMENTS, (0, 2, 0, 0), strict=True))
def test_a_killed_run_ends_in_the_same_bits_as_an_uninterrupted_one(
    folder: Path, uninterrupted: dict[str, torch.Tensor], moment: str, workers: int
) -> None:
    settings = randomized(folder, f"killed {moment}", workers=workers)

    def killed() -> None:
        with pytest.MonkeyPatch.context() as patch:
            MOMENTS[moment](patch)
            train(settings)

    assert in_processes(killed) == [-signal.SIGKILL]
    train(replace(settings, workers=0))  # the number of workers does not matter
    resumed = trained(settings)
    assert all(torch.equal(resumed[name], uninterrupted[name]) for name in uninterrupted)
    output = Path(settings.output)
    assert not list(output.glob(".checkpoint*"))
    journal = (output / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in journal] == [1, 2, 3, 4, 5, 6]
    assert (output / "curves.png").is_file()


@pytest.mark.parametrize("workers", [0, 1])
def test_sigterm_saves_and_exits(
    folder: Path,
    uninterrupted: dict[str, torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    settings = randomized(folder, f"sigterm {workers}", save_every=100, workers=workers)
    step_of = ReproducibleTrainer.training_step

    def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
        if self.state.global_step == 2:
            # Schedulers signal every process of a job; `kill` does so from outside, too.
            loading = multiprocessing.active_children()
            assert len(loading) == workers
            for process in loading:
                subprocess.run(["kill", "-TERM", str(process.pid)], check=True)
            time.sleep(0.5 * workers)  # a dead worker would raise here
            os.kill(os.getpid(), signal.SIGTERM)
        return step_of(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ReproducibleTrainer, "training_step", training_step)
        with pytest.raises(StoppedError) as stopped:
            train(settings)
    assert stopped.value.code == 143
    assert newest_valid(Path(settings.output), print) == Path(settings.output) / "checkpoint-3"
    assert not (Path(settings.output) / "model").exists()
    train(settings)
    resumed = trained(settings)
    assert all(torch.equal(resumed[name], uninterrupted[name]) for name in uninterrupted)


def test_a_signal_that_reaches_a_worker_after_training_disturbs_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = randomized(folder, "late", steps=1, workers=1)
    trainers: list[ReproducibleTrainer] = []
    step_of = ReproducibleTrainer.training_step

    def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
        trainers.append(self)  # it keeps its loader's worker
        return step_of(self, *args)

    monkeypatch.setattr(ReproducibleTrainer, "training_step", training_step)
    train(settings)
    (worker,) = multiprocessing.active_children()
    worker.terminate()
    until(lambda: not worker.is_alive())  # torch's handler raises here, in whatever runs


def test_a_program_can_exit_after_training(folder: Path) -> None:
    """A live trainer keeps its loader's workers, which Python terminates and waits for at exit:
    by then they must react to signals."""
    settings = randomized(folder, "leaving", steps=1, workers=1)

    def train_and_exit() -> None:
        trainers = []
        step_of = ReproducibleTrainer.training_step

        def training_step(self: ReproducibleTrainer, *args: object) -> torch.Tensor:
            trainers.append(self)
            return step_of(self, *args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ReproducibleTrainer, "training_step", training_step)
            train(settings)
        assert len(multiprocessing.active_children()) == 1
        sys.exit(7)  # its traceback holds the trainer

    assert in_processes(train_and_exit) == [7]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
)
def test_a_broken_checkpoint_is_reported_and_the_previous_one_used(
    folder: Path,
    uninterrupted: dict[str, torch.Tensor],
    name: str,
    tmp_path: Path,
) -> None:
    shutil.copytree(folder / "uninterrupted", tmp_path / "run")
    broken = tmp_path / "run" / "checkpoint-6" / name
    content = bytearray(broken.read_bytes())
    content[len(content) // 2] ^= 1  # one flipped bit
    broken.write_bytes(content)
    lines: list[str] = []
    assert newest_valid(tmp_path / "run", lines.append) == tmp_path / "run" / "checkpoint-4"
    assert str(tmp_path / "run" / "checkpoint-6") in lines[0]
    assert "WARNING" in lines[0]


def test_only_broken_checkpoints_are_an_error_and_not_a_fresh_start(folder: Path) -> None:
    settings = randomized(folder, "all broken", steps=2)
    train(settings)
    checkpoint = Path(settings.output) / "checkpoint-2"
    (checkpoint / "optimizer.safetensors").unlink()
    assert find_problem(checkpoint) is not None
    with pytest.raises(ValueError, match="all checkpoints in .* are broken"):
        train(settings)


def test_a_fresh_run_keeps_its_own_checkpoints_and_not_those_of_the_old_run(
    folder: Path,
) -> None:
    settings = randomized(folder, "anew", steps=4, save_total_limit=1)
    train(settings)
    train(replace(settings, steps=2), resume=False)
    assert [path.name for path in folders.checkpoints(Path(settings.output))] == ["checkpoint-2"]


def test_checkpoints_hold_no_pickles(folder: Path, uninterrupted: dict[str, torch.Tensor]) -> None:
    names = {path.suffix for path in (folder / "uninterrupted" / "checkpoint-6").iterdir()}
    assert names == {".safetensors", ".json"}


def test_changed_data_is_refused_by_name_unless_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder / "changing"
    root.mkdir()
    base_folder(root)
    settings = tiny_recipe(root, "run", steps=3)
    train(settings)
    lines = (root / "records.jsonl").read_text(encoding="utf-8")
    (root / "records.jsonl").write_text(lines.replace('"r"', '"q"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"other data \(records.jsonl has changed\)"):
        train(settings)
    train(settings, allow_changes=True)
    assert "resuming despite changes" in capsys.readouterr().out


def poison(patch: pytest.MonkeyPatch, steps: range) -> None:
    """Makes the loss of these steps NaN."""
    loss_of = reproducible_trainer.Trainer.compute_loss

    def compute_loss(self: ReproducibleTrainer, *args: object, **kwargs: object) -> torch.Tensor:
        loss = loss_of(self, *args, **kwargs)
        return loss * float("nan") if self.state.global_step in steps else loss

    patch.setattr(reproducible_trainer.Trainer, "compute_loss", compute_loss)


def test_a_step_with_a_nan_loss_is_skipped_and_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = randomized(folder, "one nan")
    poison(monkeypatch, range(2, 3))
    train(settings)
    assert "WARNING: step 3 is skipped" in capsys.readouterr().out
    journal = (Path(settings.output) / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["skipped_steps"] for line in journal] == [0, 0, 1, 1, 1, 1]
    assert all(torch.isfinite(tensor).all() for tensor in trained(settings).values())
    state = json.loads((Path(settings.output) / "checkpoint-4" / "state.json").read_text())
    assert state["guard"] == {"skipped": 1, "in_a_row": 0}


def test_a_run_of_nan_losses_stops_and_resumes_from_the_last_good_state(
    folder: Path, uninterrupted: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = randomized(folder, "all nan", max_skipped=2)
    with monkeypatch.context() as patch:
        poison(patch, range(2, 100))
        with pytest.raises(ValueError, match="NaN or Inf in 2 steps in a row"):
            train(settings)
    assert [path.name for path in folders.checkpoints(Path(settings.output))] == ["checkpoint-2"]
    train(settings)
    resumed = trained(settings)
    assert all(torch.equal(resumed[name], uninterrupted[name]) for name in uninterrupted)
