"""Training an encoder on six tasks at once, on toy sets, through the one trainer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from data.tasks.toy.sets import TOY_SETS
from tests.trainable import in_processes
from training.encoders import __main__ as command
from training.encoders.dry_run import dry_run
from training.encoders.objectives.tasks import Tasks
from training.encoders.recipe import EncoderRecipe, TaskSource
from training.encoders.run import train
from training.encoders.tasks.proof import proof
from training.encoders.tower import build
from vlm.heads.folder import load_encoder_with_heads
from vlm.heads.video_text import TASKS

pytestmark = pytest.mark.usefixtures("in_float32")
RECIPES = Path(__file__).parents[2] / "training" / "recipes" / "encoders"
ALL = sorted(RECIPES.glob("*.yaml"))
TINY = [path for path in ALL if path.stem.endswith("-tiny")]
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


def test_six_tasks_are_trained_resumed_to_the_bit_and_loaded(toys: Path, tmp_path: Path) -> None:
    settings = recipe(toys, tmp_path / "run", gradient_accumulation_steps=7)
    folder = train(settings)
    assert load_encoder_with_heads(folder).tasks == TASKS
    journal = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").open()]
    assert {f"held_out_{task}" for task in TASKS} <= set().union(*journal)
    whole = weights(tmp_path / "run")

    # What is frozen has the bits it had: the text tower and LoRA's base.
    built = build(settings)
    torch.manual_seed(settings.seed)
    before = Tasks.read(settings).model(built)
    frozen = {name for name, p in before.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {"tower", "text"}
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, whole[name]) == (name in frozen), name
    states = load_file(tmp_path / "run" / "checkpoint-1" / "model.safetensors")
    assert not [name for name in states if name.startswith("text.")]

    # A run resumed from the first step ends in the same bits.
    for name in ("checkpoint-2", "trained", "tasks"):
        (tmp_path / "run" / name).rename(tmp_path / name)
    train(settings)
    again = weights(tmp_path / "run")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_two_processes_train_the_weights_of_one(toys: Path, tmp_path: Path) -> None:
    sets = ("kinetics", "msrvtt", "thumos", "mevis")
    one = recipe(toys, tmp_path / "one", sets, batch_size=4, most_held=0, save_every=2)
    one = replace(one, gradient_accumulation_steps=5)  # the largest set has two in some steps
    two = replace(one, output=str(tmp_path / "two"), batch_size=2)
    train(one)
    assert in_processes(lambda: train(two), 2) == [0, 0]
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    # Adam divides by the gradient's size, so a difference of rounding is one of a step's size
    # where a gradient is nearly zero; the mean shows that all else is equal.
    difference = torch.cat([(a[name] - b[name]).abs().flatten() for name in a])
    assert float(difference.mean()) < 1e-6


def test_a_film_that_cannot_be_read_is_left_out_and_named(toys: Path, tmp_path: Path) -> None:
    settings = recipe(toys, tmp_path / "run", ("kinetics",), most_held=0, max_bad_share=1.0)
    one = Tasks.read(settings).sources[0].annotations[0]
    whole = one.video.read_bytes()
    try:
        one.video.write_bytes(b"not a film")
        train(replace(settings, steps=8))  # 16 samples: all films of the set
    finally:
        one.video.write_bytes(whole)
    lines = [json.loads(line) for line in (tmp_path / "run" / "quarantine.jsonl").open()]
    assert [line for line in lines if one.id in json.dumps(line)]


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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gradient_accumulation_steps": 4}, "accumulates over all 6 sets"),
        ({"text": "siglip-b17"}, 'no text tower "siglip-b17"'),
        ({"tasks": (TaskSource("kinetiks", "x"),), "gradient_accumulation_steps": 1},
         "no data set 'kinetiks'"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence(
    changes: dict[str, object], sentence: str, toys: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence) as error:
        Tasks.read(recipe(toys, tmp_path, **changes))
    assert "\n" not in str(error.value)


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


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_each_recipe_has_a_dry_run(path: Path, toys: Path) -> None:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    arguments = [str(path), "--dry-run"]
    if "tasks" in values:
        for number, one in enumerate(values["tasks"]):
            if not (toys / one["set"]).is_dir():
                TOY_SETS[one["set"]](toys / one["set"], 20, 0)
            arguments.append(f"--set=tasks.{number}.folder={toys / one['set']}")
    else:
        films = toys / "clips.csv"
        films.write_text("a.mp4 left\nb.mp4 right\n")
        arguments += [f"--set=data={films}", f"--set=evaluation={films}", f"--set=data_root={toys}"]
    report = dry_run(command.read_arguments(command.parser().parse_args(arguments)))
    assert any(line.startswith("| total |") for line in report)


@pytest.mark.slow
def test_tasks_are_learned_together_as_well_as_alone(tmp_path: Path) -> None:
    """Two of the tiny recipe's six, in few steps; docs/tasks.md has the table of all."""
    changes = ["num_epochs=7.5", "gradient_accumulation_steps=2", "learning_rate=2e-3"]
    arguments = [str(RECIPES / "streamformer-tasks-tiny.yaml"), "--output", str(tmp_path / "run")]
    read = command.parser().parse_args([*arguments, *(f"--set={change}" for change in changes)])
    sets = ("thumos", "ytvis")
    for name in sets:
        TOY_SETS[name](tmp_path / name, 80, 0)
    tasks = tuple(TaskSource(name, str(tmp_path / name)) for name in sets)
    for line in proof(replace(command.read_arguments(read), tasks=tasks)):
        assert line.together > line.chance + 0.15, line
        assert line.together > line.alone - 0.1, line
