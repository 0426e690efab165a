"""Training an encoder on six tasks at once, on toy sets, through the one trainer."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from data.tasks.toy.sets import TOY_SETS
from tests.trainable import in_processes
from training.encoders.dry_run import dry_run
from training.encoders.recipe import EncoderRecipe, TaskSource
from training.encoders.run import train
from training.encoders.tower import build

pytestmark = pytest.mark.usefixtures("in_float32")
RECIPES = Path(__file__).parents[2] / "training" / "recipes" / "encoders"
TINY = sorted(RECIPES.glob("*-tiny.yaml"))
SETS = ("kinetics", "msrvtt", "thumos", "charades-sta", "ytvis", "mevis")


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    for name in SETS:
        TOY_SETS[name](root / name, 20, 0)
    return root


def recipe(
    toys: Path, output: Path, sets: tuple[str, ...] = SETS, **changes: object
) -> EncoderRecipe:
    values = {
        "objective": "tasks",
        "encoder": "streamformer-test",
        "text": "siglip-test",
        "tasks": tuple(TaskSource(name, str(toys / name)) for name in sets),
        "output": str(output),
        "background_weight": 1.0,
        "num_frames": 3,
        "steps": 2,
        "batch_size": 2,
        "gradient_accumulation_steps": len(sets),
        "learning_rate": 1e-3,
        "most_held": 2,
        "bf16": False,
        "save_every": 1,
        "log_every": 1,
        "save_total_limit": 3,
        "workers": 0,
        "report_to": (),
    }
    return EncoderRecipe(**{**values, **changes})  # type: ignore[arg-type]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    parts = (folder / "tasks" / f"{part}.safetensors" for part in ("tower", "text", "heads"))
    return {name: tensor for part in parts for name, tensor in load_file(part).items()}


def test_two_processes_train_the_weights_of_one(toys: Path, tmp_path: Path) -> None:
    sets = ("kinetics", "msrvtt", "thumos", "mevis")
    one = recipe(toys, tmp_path / "one", sets, batch_size=4, most_held=0, save_every=2)
    two = replace(one, output=str(tmp_path / "two"), batch_size=2)
    train(one)
    assert in_processes(lambda: train(two), 2) == [0, 0]
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    # Adam divides by the gradient's size, so a difference of rounding is one of a step's size
    # where a gradient is nearly zero; the mean shows that all else is equal.
    difference = torch.cat([(a[name] - b[name]).abs().flatten() for name in a])
    assert float(difference.mean()) < 1e-6


@pytest.mark.parametrize("sets", [("recognition", "kinetics"), ("localization", "thumos")])
def test_efficient_prompt_trains_its_vectors_and_its_blocks_alone(
    sets: tuple[str, str], toys: Path, tmp_path: Path
) -> None:
    settings = recipe(
        toys, tmp_path / "run", (sets[1],), encoder="efficient-prompt-test",
        text="efficient-prompt-test", loss="nce", background_weight=0.0, steps=1, most_held=0,
    )  # fmt: skip
    train(settings)
    trained = load_file(tmp_path / "run" / "checkpoint-1" / "model.safetensors")
    parts = {name.split(".")[0] for name in trained}
    assert "text.prompted.vectors" in trained
    assert not [name for name in trained if name.startswith("text.prompted.text")]
    assert {name for name in trained if name.startswith("tower.")} == {
        f"tower.{name}" for name, p in build(settings).tower.named_parameters() if p.requires_grad
    }
    assert parts == {"text", "tower", "projections"} | (
        {"heads"} if sets[0] == "localization" else set()
    )


def test_a_dry_run_of_tasks_names_the_sets_and_the_cost(toys: Path, tmp_path: Path) -> None:
    report = "\n".join(dry_run(recipe(toys, tmp_path / "run")))
    assert "kinetics (recognition)" in report
    assert "| total |" in report
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("path", TINY, ids=lambda path: path.stem)
def test_a_tiny_recipe_differs_from_the_published_one_in_numbers_and_places(path: Path) -> None:
    published = path.with_name(path.name.replace("-tiny", ""))
    tiny, large = (yaml.safe_load(p.read_text(encoding="utf-8")) for p in (path, published))
    places = {"encoder", "weights", "text", "text_weights", "data", "evaluation", "data_root"}
    places |= {"output", "tasks", "tower", "train"}
    assert tiny.keys() == large.keys()
    for key in tiny.keys() - places:
        if isinstance(tiny[key], str):
            assert tiny[key] == large[key], key
        else:
            assert isinstance(tiny[key], int | float), key
    assert {len(tiny.get("tasks", ())), len(large.get("tasks", ()))} in ({0}, {1}, {6, 7})
