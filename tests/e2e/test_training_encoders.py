"""Training a vision encoder alone on folders of clips, with the assistant's trainer."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data.clip_folders import ClipDataset, epoch_order, find_clips, split_held_out
from tests.media_maker import write_video
from tests.trainable import base_folder, tiny_recipe
from training import encoders
from training.classifier import run
from training.classifier.recipe import EncoderRecipe
from training.classifier.run import train
from training.model.initial_model import load_initial_model
from training.model.trainable_parts import prepare_parts, start_from
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
    return EncoderRecipe(str(clips), str(output), **{**values, **changes})  # type: ignore[arg-type]


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
    before, _ = run.build(settings, 2)
    train(settings)
    after = load_file(tmp_path / "run" / "trained" / "model.safetensors")
    for name, tensor in before.state_dict().items():
        if name.startswith("tower.backbone."):
            assert torch.equal(tensor, after[name])
    assert not torch.equal(before.tower.blocks[0].alpha, after["tower.blocks.0.alpha"])


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
        encoders.main()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_the_best_classifier_is_kept_and_the_run_stops_early(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = {1: 0.2, 2: 0.9, 3: 0.5, 4: 0.9, 5: 1.0}
    monkeypatch.setattr(
        run.EncoderTrainer, "accuracy", lambda self, model: accuracies[self.state.global_step]
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
