"""Training a vision encoder alone on folders of clips, with the assistant's trainer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data.clips.dataset import ClipDataset
from data.clips.folders import epoch_order, find_clips, split_held_out
from data.clips.motion import make
from tests.media_maker import write_video
from tests.trainable import base_folder, in_processes, tiny_recipe
from training.encoders import __main__ as command
from training.encoders.dry_run import dry_run
from training.encoders.recipe import EncoderRecipe
from training.encoders.run import train
from training.encoders.tower import build
from training.encoders.trainer import EncoderTrainer
from training.model.initial_model import load_initial_model
from training.model.trainable_parts import prepare_parts, start_from
from vlm.encoders import PRESETS
from vlm.heads.classification import load_classifier


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of moving red squares and of moving blue squares."""
    root = tmp_path_factory.mktemp("clips")
    for kind in ("red", "blue"):
        (root / kind).mkdir()
        for number in range(6):
            frames = np.full((6, 32, 32, 3), 30 + 5 * number, np.uint8)
            for t in range(6):
                color = (250, 40, 40) if kind == "red" else (40, 40, 250)
                frames[t, 2 * number : 2 * number + 14, 3 * t : 3 * t + 14] = color
            write_video(root / kind / f"{number}.mp4", list(frames), fps=6)
    return root


def recipe(clips: Path, output: Path, **changes: object) -> EncoderRecipe:
    values = {"steps": 16, "save_every": 8, "log_every": 4, "num_frames": 6, "held_out": 0.35}
    values |= {"preset": "test", "save_total_limit": 3}
    values |= {"learning_rate": 1e-2, "dropout": 0.1, "workers": 0, "report_to": ()}
    places = {"folder": str(clips), "output": str(output)}
    return EncoderRecipe(**{**places, **values, **changes})  # type: ignore[arg-type]


def test_colors_are_learned_and_the_classifier_is_loaded(clips: Path, tmp_path: Path) -> None:
    settings = recipe(clips, tmp_path / "run")
    folder = train(settings)
    model, config, classes = load_classifier(folder)
    assert classes == ["blue", "red"]
    _, held = split_held_out(find_clips(clips)[0], settings.held_out, clips)
    assert {clip.label for clip in held} == {0, 1}
    batch = [ClipDataset(held, config, 6)[i] for i in range(len(held))]
    with torch.no_grad():
        logits = model(
            torch.stack([b["clip"] for b in batch]), torch.stack([b["times"] for b in batch])
        )
    right = (logits.argmax(dim=-1) == torch.stack([b["label"] for b in batch])).float().mean()
    journal = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    last = [json.loads(line) for line in journal if "held_out_accuracy" in line][-1]
    assert last["held_out_accuracy"] == pytest.approx(float(right))
    assert right == 1.0

    # A run resumed from the middle ends in the same bits.
    whole = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    for name in ("checkpoint-16", "trained", "classifier"):
        (tmp_path / "run" / name).rename(tmp_path / name)
    train(settings)
    again = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)

    # The tower continues in an assistant.
    (tmp_path / "base").mkdir()
    assistant = tiny_recipe(base_folder(tmp_path / "base"), "out")
    pvc, _ = load_initial_model(assistant.model)
    prepare_parts(pvc, assistant)
    start_from(pvc, tmp_path / "run" / "trained")
    assert torch.equal(pvc.tower.blocks[0].alpha, whole["tower.blocks.0.alpha"])


def test_a_frozen_backbone_does_not_change(clips: Path, tmp_path: Path) -> None:
    settings = recipe(clips, tmp_path / "run", steps=2, save_every=2, freeze_backbone=True)
    before = build(settings).tower
    train(settings)
    after = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    for name, tensor in before.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(tensor, after[f"tower.{name}"])
    assert not torch.equal(before.blocks[0].alpha, after["tower.blocks.0.alpha"])


def test_every_clip_is_seen_once_before_any_is_seen_twice(clips: Path) -> None:
    found, _ = find_clips(clips)
    order = epoch_order(found, 2 * len(found), seed=1)
    assert set(order[: len(found)]) == set(found) == set(order[len(found) :])
    assert order[: len(found)] != order[len(found) :]


WITH_OUTPUT = ("{root}", "--output", "x", "--set")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--output", "x"], "nowhere is not a folder"),
        (["{root}", "--output", "x"], "needs clips of at least two classes"),
        (["{root}"], "--output is missing"),
        ([*WITH_OUTPUT, "stesp=3"], "stesp is not a field of EncoderRecipe"),
        ([*WITH_OUTPUT, "warmup=0.1"], "its name is `warmup_ratio`"),
        ([*WITH_OUTPUT, "steps=many"], 'steps must be a whole number of at least 1, not "many"'),
        ([*WITH_OUTPUT, "steps=0"], "steps must be a whole number of at least 1, not 0"),
        ([*WITH_OUTPUT, "held_out=2"], "held_out must be a number of at least 0 and below 1"),
        ([*WITH_OUTPUT, "steps=["], "is not YAML"),
    ],
)
def test_an_error_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [argument.format(root=tmp_path) for argument in arguments]
    monkeypatch.setattr("sys.argv", ["python -m training.encoders", *given])
    with pytest.raises(SystemExit) as error:
        command.main()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_the_best_classifier_is_kept_and_the_run_stops_early(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = {1: 0.2, 2: 0.9, 3: 0.5, 4: 0.9, 5: 1.0}
    monkeypatch.setattr(
        EncoderTrainer, "score", lambda self, model: accuracies[self.state.global_step]
    )
    settings = recipe(
        clips, tmp_path / "run", num_epochs=6, batch_size=8, save_every=1,
        load_best_model_at_end=True, early_stopping_patience=2,
    )  # fmt: skip
    for _ in range(2):  # the same command again trains no further
        train(settings)
        steps = {path.name for path in (tmp_path / "run").glob("checkpoint-*")}
        assert steps == {"checkpoint-2", "checkpoint-3", "checkpoint-4"}
        best = load_file(tmp_path / "run" / "checkpoint-2" / "model.safetensors")
        saved = load_file(tmp_path / "run" / "trained" / "model.safetensors")
        assert all(torch.equal(best[name], value) for name, value in saved.items())


def test_to_choose_a_checkpoint_clips_must_be_held_out(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hold clips out"):
        recipe(clips, tmp_path / "run", held_out=0, load_best_model_at_end=True)


# A base that stays frozen; BatchNorm; one token for each frame, and dropout.
KINDS = ("aim-test", "r2plus1d-test", "vtn-test")


def encoder_recipe(clips: Path, output: Path, encoder: str, **changes: object) -> EncoderRecipe:
    values = {"steps": 6, "save_every": 3, "num_frames": 4, "batch_size": 4, "encoder": encoder}
    return recipe(clips, output, **{**values, "preset": "", "dropout": None, **changes})


@pytest.mark.parametrize("encoder", KINDS)
def test_a_resumed_run_of_an_encoder_ends_in_the_bits_of_an_uninterrupted_one(
    encoder: str, clips: Path, tmp_path: Path
) -> None:
    settings = encoder_recipe(clips, tmp_path / "run", encoder)
    train(settings)
    whole = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    head = load_file(tmp_path / "run" / "classifier" / "head.safetensors")
    for name in ("checkpoint-6", "trained", "classifier"):
        (tmp_path / "run" / name).rename(tmp_path / name)
    train(settings)
    again = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    new_head = load_file(tmp_path / "run" / "classifier" / "head.safetensors")
    assert all(torch.equal(head[name], new_head[name]) for name in head)

    # Only what its paper trains has moved, and running statistics.
    start = build(settings).tower
    frozen = {n for n, p in start.named_parameters() if not p.requires_grad}
    same = {n for n, t in start.state_dict().items() if torch.equal(t, whole[f"tower.{n}"])}
    assert frozen <= same
    assert same != set(start.state_dict())

    # The folder has all that the head needs.
    model, config, _ = load_classifier(tmp_path / "run" / "classifier")
    assert config == PRESETS[encoder].tower
    assert model.head.options == {"norm": True, "hidden_dim": None, "dropout": 0.0} | dict(
        PRESETS[encoder].head
    )


# With dropout; a frozen base; BatchNorm, of which each process has its own clip's.
@pytest.mark.parametrize(
    "encoder",
    [
        "vtn-test",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("aim-test", "r2plus1d-test")),
    ],
)
def test_two_processes_train_the_encoder_of_one(
    encoder: str, clips: Path, tmp_path: Path, in_float32: None
) -> None:
    values = {"steps": 4, "save_every": 2, "batch_size": 1, "log_every": 1}
    one, two = (encoder_recipe(clips, tmp_path / n, encoder, **values) for n in ("one", "two"))
    train(replace(one, gradient_accumulation_steps=2))
    assert in_processes(lambda: train(two), 2) == [0, 0]

    tower = build(one).tower
    moved = {f"tower.{n}" for n, p in tower.named_parameters() if p.requires_grad}
    towers = [load_file(tmp_path / n / "trained" / "model.safetensors") for n in ("one", "two")]
    heads = [load_file(tmp_path / n / "classifier" / "head.safetensors") for n in ("one", "two")]
    # Running statistics are those of the first process's clips.
    for names, (alone, both) in ((moved, towers), (heads[0].keys(), heads)):
        assert alone.keys() == both.keys()
        for name in names:
            torch.testing.assert_close(both[name], alone[name], atol=1e-6, rtol=1e-4)
    start = {f"tower.{n}": t for n, t in tower.state_dict().items()}
    assert any(not torch.equal(start[name], towers[0][name]) for name in moved)


@pytest.mark.parametrize(("train_what", "moves"), [("head", False), ("all", True)])
def test_the_head_alone_or_everything_can_be_trained(
    train_what: str, moves: bool, clips: Path, tmp_path: Path
) -> None:
    settings = encoder_recipe(
        clips, tmp_path / "run", "aim-test", train=train_what, steps=2, save_every=2
    )
    train(settings)
    after = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    start = build(settings).tower.state_dict()
    base = "blocks.0.mlp.fc1.weight"
    assert torch.equal(start[base], after[f"tower.{base}"]) != moves
    assert all(torch.equal(t, after[f"tower.{n}"]) for n, t in start.items()) != moves


def test_clips_that_cannot_be_read_are_listed_and_do_not_count(clips: Path, tmp_path: Path) -> None:
    """A step of the same clips has the same loss, however it is divided."""
    lines = [
        json.dumps({"video": str(path), "label": path.parent.name})
        for path in sorted(clips.rglob("*.mp4"))
    ]
    broken = json.dumps({"video": "gone.mp4", "label": "red"})
    (tmp_path / "train.jsonl").write_text("\n".join([*lines[:7], broken]) + "\n")
    (tmp_path / "held.jsonl").write_text("\n".join(lines[7:]) + "\n")
    of_lists = {"data": str(tmp_path / "train.jsonl"), "evaluation": str(tmp_path / "held.jsonl")}
    options = {**of_lists, "encoder": "vpt-deep-test", "preset": "", "dropout": 0.0}
    options |= {"num_frames": 4, "steps": 2, "save_every": 2, "max_bad_share": 0.1, "log_every": 1}
    found = []
    for size, times in ((8, 1), (4, 2), (2, 4)):
        output = tmp_path / f"{size}"
        division = {"batch_size": size, "gradient_accumulation_steps": times}
        train(recipe(Path(), output, **options, **division, folder=""))  # type: ignore[arg-type]
        listed = (output / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(listed) == 2  # once in each epoch of eight
        assert "train.jsonl line 8" in listed[0]
        found.append(load_file(output / "trained" / "model.safetensors"))
    train(recipe(Path(), output, **options, **division, folder=""))  # type: ignore[arg-type]
    for other in found[1:]:
        for name, value in found[0].items():
            torch.testing.assert_close(value, other[name], atol=1e-5, rtol=1e-4)


def test_too_many_unreadable_clips_stop_the_run(clips: Path, tmp_path: Path) -> None:
    lines = [f"{path} {path.parent.name}" for path in sorted(clips.rglob("*.mp4"))]
    (tmp_path / "x.csv").write_text("\n".join([*lines, "gone.mp4 red"] * 2) + "\n")
    settings = {"data": str(tmp_path / "x.csv"), "max_bad_share": 0.0, "folder": ""}
    with pytest.raises(ValueError, match="cannot be used.*more than max_bad_share 0 allows"):
        train(recipe(Path(), tmp_path / "run", **settings))  # type: ignore[arg-type]


def test_a_dry_run_reads_no_clip(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(clips), "--dry-run", "--set", "encoder=vtn-test", "--set", "num_frames=4"]
    assert command.run(command.parser().parse_args(arguments)) == 0
    report = capsys.readouterr().out
    parameters = PRESETS["vtn-test"].parameters
    assert f"| encoder | {parameters:,} | {parameters:,} |" in report
    assert "A clip of 4 frames of 16 x 16 pixels gives 4 x 1 x 1 tokens of width 16" in report
    assert "12 clips of 2 classes" in report or "held out" in report


RECIPES = Path(__file__).parents[2] / "training" / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("encoder-*.yaml")), ids=lambda p: p.stem)
def test_each_recipe_of_an_encoder_has_a_dry_run(path: Path, clips: Path) -> None:
    """On these clips in place of its own."""
    places = ("data=", "evaluation=", "data_root=", "classes=", f"folder={clips}")
    arguments = [str(path), "--dry-run", *(f"--set={place}" for place in places)]
    report = dry_run(command.read_arguments(command.parser().parse_args(arguments)))
    assert any(line.startswith("| total |") for line in report)


@pytest.mark.slow
def test_the_made_motion_is_learned_by_the_tiny_recipe(tmp_path: Path) -> None:
    make(tmp_path / "motion", 200)
    changes = {
        "data": tmp_path / "motion" / "train.jsonl",
        "evaluation": tmp_path / "motion" / "held.jsonl",
        "output": tmp_path / "run",
    }
    arguments = [str(RECIPES / "encoder-motion.yaml")]
    arguments += [f"--set={key}={value}" for key, value in changes.items()]
    train(command.read_arguments(command.parser().parse_args(arguments)))
    journal = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    scores = [json.loads(line).get("held_out_accuracy") for line in journal]
    assert [score for score in scores if score is not None][-1] >= 0.8  # by chance 0.25
