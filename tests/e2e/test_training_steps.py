"""What a step learns from: empty steps, text alone, the division into batches, unusable samples."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from data.records import write_records
from tests.trainable import base_folder, tiny_recipe, trained
from training.dataset import build_dataset
from training.model.initial_model import load_initial_model
from training.model.trainable_parts import prepare_parts
from training.recipe import Recipe, Source
from training.run import train

pytestmark = pytest.mark.usefixtures("in_float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("steps"))


def journal(recipe: Recipe) -> list[dict[str, Any]]:
    text = (Path(recipe.output) / "journal.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def record(number: int, question: str, answer: str, *pictures: str) -> dict[str, Any]:
    parts = [{"type": "image", "image": picture} for picture in pictures]
    content = [*parts, {"type": "text", "text": question}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
    return {"id": f"r{number}", "messages": messages}


def test_a_step_without_a_usable_sample_is_named_and_journaled_as_null(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = [record(n, "?", "r", "gone.png") for n in range(2)]
    write_records(folder / "gone.jsonl", gone)
    recipe = tiny_recipe(
        folder, "empty", data=(Source("gone.jsonl"),), steps=2, max_bad_share=1.0, save_every=9
    )
    train(recipe)
    printed = capsys.readouterr().out
    assert "step 1 is skipped: none of its samples can be used (quarantine.jsonl lists" in printed
    assert "NaN" not in printed
    assert "WARNING: 4 of 4 samples were left out" in printed
    assert [line["loss"] for line in journal(recipe)] == [None, None]
    recipe = tiny_recipe(
        folder, "none", data=(Source("gone.jsonl"),), max_bad_share=1.0, max_skipped=2
    )
    with pytest.raises(ValueError, match="no sample of 2 steps in a row could be used"):
        train(recipe)


def test_a_skipped_step_does_not_lower_the_logged_loss(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.loop import reproducible_trainer

    loss_of = reproducible_trainer.Trainer.compute_loss

    def compute_loss(self: Any, *args: object, **kwargs: object) -> torch.Tensor:
        factor = float("nan") if self.state.global_step == 2 else 1.0
        return loss_of(self, *args, **kwargs) * factor

    each = tiny_recipe(folder, "log each", steps=4, learning_rate=0, language_learning_rate=0)
    every_four = tiny_recipe(
        folder, "log four", steps=4, log_every=4, learning_rate=0, language_learning_rate=0
    )
    monkeypatch.setattr(reproducible_trainer.Trainer, "compute_loss", compute_loss)
    train(each)
    train(every_four)
    losses = [line["loss"] for line in journal(each)]
    assert losses[2] is None
    mean_of_2_and_4 = (losses[1] + losses[3]) / 2
    assert journal(every_four)[-1]["loss"] == pytest.approx(mean_of_2_and_4, rel=1e-6)


def test_a_step_of_text_alone_moves_neither_tower_nor_compressor(folder: Path) -> None:
    write_records(folder / "text.jsonl", [record(n, "?" * n, "r") for n in range(1, 5)])
    common: dict[str, Any] = {"weight_decay": 0.5, "save_every": 9}
    first = tiny_recipe(folder, "seen", steps=2, **common)
    train(first)
    text = (Source("text.jsonl"),)
    second = tiny_recipe(
        folder, "text", data=text, steps=3, start_from=str(folder / "seen"), **common
    )
    train(second)
    before, after = trained(first), trained(second)
    vision = [name for name in before if not name.startswith("language_model.")]
    assert vision
    assert all(torch.equal(before[name], after[name]) for name in vision)
    adapters = [name for name in before if name.startswith("language_model.")]
    assert not all(torch.equal(before[name], after[name]) for name in adapters)


def test_momentum_of_a_step_with_pictures_does_not_act_in_one_without(folder: Path) -> None:
    """Weights of the tower after an image and a text step are those after the image step."""
    records = [record(0, "?", "r", "0.png"), record(1, "??", "b")]
    write_records(folder / "both.jsonl", records)
    recipe = tiny_recipe(
        folder, "both", data=(Source("both.jsonl"),), batch_size=1, steps=6, save_every=1,
        save_total_limit=9, lr_scheduler_type="constant_with_warmup",
    )  # fmt: skip
    train(recipe)
    model, processor = load_initial_model(recipe.model)
    prepare_parts(model, recipe)
    dataset = build_dataset(recipe, model, processor)
    has_media = [bool(dataset[step].rendered.clip_frames) for step in range(6)]
    assert {(True, False), (False, True)} <= set(zip(has_media, has_media[1:], strict=False))
    weights = [weights_at(recipe, step) for step in range(1, 7)]
    for step in range(1, 6):
        same = all(torch.equal(weights[step][n], weights[step - 1][n]) for n in weights[0])
        assert same == (not has_media[step])


def weights_at(recipe: Recipe, step: int) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    found = load_file(Path(recipe.output) / f"checkpoint-{step}" / "model.safetensors")
    return {name: value for name, value in found.items() if name.startswith("tower.")}


def test_one_batch_of_eight_and_eight_of_one_train_the_same_steps(folder: Path) -> None:
    plain: dict[str, Any] = {
        "data": (Source("mixed.jsonl"),), "looks": (1.0,), "lora": None, "steps": 3,
        "train_language_model": True, "save_every": 9,
    }  # fmt: skip
    shapes = [(8, 1), (4, 2), (1, 8)]
    recipes = [
        tiny_recipe(
            folder, f"{batch}x{steps}", batch_size=batch, gradient_accumulation_steps=steps, **plain
        )
        for batch, steps in shapes
    ]
    model, processor = load_initial_model(recipes[0].model)
    orders = []
    for recipe in recipes:
        dataset = build_dataset(recipe, model, processor)
        orders.append([dataset.where(index) for index in range(len(dataset))])
    assert orders[0] == orders[1] == orders[2]
    for recipe in recipes:
        train(recipe)
    whole, *divided = map(trained, recipes)
    for other in divided:
        for name in whole:
            torch.testing.assert_close(other[name], whole[name], atol=2e-5, rtol=1e-3)


def test_unusable_records_in_samples_and_evaluation_are_reported_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, gone = record(1, "?", "r", "0.png"), record(2, "?", "r", "gone.png")
    long = record(3, "?" * 3000, "r")
    write_records(folder / "asked.jsonl", [gone, good, long])
    with (folder / "asked.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    recipe = tiny_recipe(
        folder, "asked", samples="asked.jsonl", evaluation=("asked.jsonl",), steps=4, save_every=2
    )
    train(recipe)
    printed = capsys.readouterr().out
    assert printed.count("not asked: record r2") == 1
    assert printed.count("not asked: record r3: has ") == 1
    assert printed.count("asked.jsonl, line 4: is not JSON") == 2  # asked, and held out
    assert printed.count("excluded from the held-out loss") == 3
    lines = (Path(recipe.output) / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    assert [(json.loads(line)["step"], json.loads(line)["id"]) for line in lines] == [
        (2, "r1"),
        (4, "r1"),
    ]
    assert [line["step"] for line in journal(recipe) if "held_out_loss" in line] == [2, 4]


def test_only_unusable_samples_do_not_end_a_run(folder: Path) -> None:
    write_records(folder / "lost.jsonl", [record(1, "?", "r", "gone.png")])
    train(tiny_recipe(folder, "lost", samples="lost.jsonl", steps=2, save_every=1))


def test_a_sample_question_keeps_the_system_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.watch import samples

    system = {"role": "system", "content": "Answer in one letter."}
    asked = record(1, "?", "r")
    asked["messages"].insert(0, system)
    write_records(folder / "system.jsonl", [asked])
    seen = []
    answer = samples.greedy_answers

    def greedy_answers(model: Any, processor: Any, conversations: Any, *rest: Any) -> list[str]:
        seen.extend(conversations)
        return answer(model, processor, conversations, *rest)

    monkeypatch.setattr(samples, "greedy_answers", greedy_answers)
    train(tiny_recipe(folder, "system", samples="system.jsonl", steps=1))
    assert [message.role for message in seen[0].messages] == ["system", "user"]
