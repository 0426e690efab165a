"""Two processes train the same weights as one, on mixed batches, sharded or not."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from safetensors.torch import load_file
from torch import Tensor

from tests.trainable import base_folder, in_processes, tiny_recipe, trained
from training.recipe import Recipe, Source
from training.run import train

pytestmark = pytest.mark.usefixtures("in_float32")

CONFIGS = Path(__file__).parents[2] / "training" / "accelerate"
# The environment that `accelerate launch` sets for training/accelerate/fsdp2.yaml.
SHARDED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("processes"))


def mixed(folder: Path, output: str, **changes: object) -> Recipe:
    """A recipe with text alone, one and two images in the same step, and answers of any length."""
    values = {"data": (Source("mixed.jsonl"),), "steps": 4, "batch_size": 1, "save_every": 2}
    return tiny_recipe(folder, output, **{**values, "evaluation": ("records.jsonl",), **changes})


def furthest(one: Recipe, other: Recipe) -> float:
    """The largest difference between two runs' weights."""
    a, b = trained(one), trained(other)
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def held_out(recipe: Recipe) -> list[float]:
    lines = (Path(recipe.output) / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [yaml.safe_load(line)["held_out_loss"] for line in lines if "held_out" in line]


def test_two_processes_train_the_weights_of_one_with_dropout_and_the_same_held_out_loss(
    folder: Path,
) -> None:
    one, two = mixed(folder, "one", gradient_accumulation_steps=2), mixed(folder, "two")
    train(one)
    assert in_processes(lambda: train(two), 2) == [0, 0]
    assert furthest(one, two) < 1e-6
    assert held_out(two) == pytest.approx(held_out(one), abs=1e-5)
    assert held_out(two)[-1] != held_out(two)[0]  # so training did change it


def first_gradients(recipe: Recipe) -> dict[str, Tensor]:
    """A tenth of the gradients of the first step: the optimizer's first moments."""
    train(recipe)
    states = load_file(Path(recipe.output) / "checkpoint-1" / "optimizer.safetensors")
    return {name: tensor for name, tensor in states.items() if name.endswith(":exp_avg")}


def test_accumulated_steps_have_the_gradients_of_one_large_batch(folder: Path) -> None:
    whole = {"steps": 1, "save_every": 1, "looks": (0.0, 1.0), "evaluation": (), "lora": None}
    whole |= {"train_language_model": True, "max_grad_norm": 1e9}
    once = first_gradients(mixed(folder, "whole", batch_size=4, **whole))
    split = {"batch_size": 2, "gradient_accumulation_steps": 2}
    twice = first_gradients(mixed(folder, "split", **split, **whole))
    assert once.keys() == twice.keys()
    assert max(float(tensor.abs().max()) for tensor in once.values()) > 1e-3
    for name in once:
        torch.testing.assert_close(twice[name], once[name], atol=1e-7, rtol=1e-4)


@pytest.mark.slow
def test_sharded_processes_do_not_hang_on_mixed_batches_and_train_the_same_weights(
    folder: Path,
) -> None:
    whole = {"lora": None, "train_language_model": True, "gradient_checkpointing": True}
    one = mixed(folder, "unsharded", gradient_accumulation_steps=2, **whole)
    two = mixed(folder, "sharded", samples="records.jsonl", num_samples=2, **whole)
    train(one)
    assert in_processes(lambda: train(two), 2, SHARDED) == [0, 0]
    assert furthest(one, two) < 1e-5
    assert "| 4 |" in (Path(two.output) / "samples.md").read_text(encoding="utf-8")
    # A checkpoint of two processes has full tensors: one process resumes from it.
    for name in ("checkpoint-4", "trained", "model"):
        (Path(two.output) / name).rename(Path(two.output) / f"gone-{name}")
    on_its_own = mixed(folder, "sharded", gradient_accumulation_steps=2, **whole)
    train(on_its_own)
    assert furthest(one, on_its_own) < 1e-5


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_every_config_of_the_repository(path: Path) -> None:
    config = load_config_from_file(str(path))
    assert config.num_processes >= 2


def test_the_launch_command_starts_two_processes(folder: Path, tmp_path: Path) -> None:
    values = {
        "model": str(folder / "base"),
        "data_root": str(folder),
        "data": [{"path": "mixed.jsonl"}],
        "output": str(tmp_path / "out"),
        "steps": 1,
        "batch_size": 2,
        "report_to": [],
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    launch = [sys.executable, "-m", "accelerate.commands.launch"]
    config = ["--config_file", "training/accelerate/cpu-2.yaml"]
    done = subprocess.run(
        [*launch, *config, "-m", "training.instruct", str(tmp_path / "mine.yaml")],
        capture_output=True, text=True, check=True, cwd=CONFIGS.parents[1], timeout=240,
    )  # fmt: skip
    assert "1 steps of 4 conversations" in done.stdout  # two processes, two each
    assert (tmp_path / "out" / "model" / "config.json").is_file()
