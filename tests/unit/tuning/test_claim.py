"""PVC's claim on a small scale: four models with one difference each, on the same data."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.claim.initial_model import fresh, from_start
from training.claim.parallel import run_in_parallel
from training.claim.report import differences, plot, read_scores, table
from training.claim.samples import Worlds, accuracy, ask
from training.claim.variants import LOOKS, SCALES, VARIANTS, tokenizer
from training.claim.worlds import KINDS, LONG, example
from training.recipe import Recipe, load_recipe
from vlm.processor import PVCProcessor

RECIPES = Path(__file__).parents[3] / "training" / "recipes"
TINY = SCALES["claim-test"]


def tiny(folder: Path) -> Recipe:
    changes = ["model=claim-test", "steps=6", "batch_size=2", f"output={folder}"]
    return load_recipe(RECIPES / "claim-small.yaml", changes)


def processor(name: str) -> PVCProcessor:
    return PVCProcessor.from_config(fresh(VARIANTS[name], TINY, 0).config, tokenizer())


def test_all_four_spend_the_same_number_of_visual_tokens_on_images_and_videos() -> None:
    for kind, tokens in (("page", 4), ("covered", 8), ("way", 8), ("long", 12)):
        spent = set()
        for name, variant in VARIANTS.items():
            rendered = processor(name).render(ask(variant, example(kind, 0, 0)))
            image = fresh(variant, TINY, 0).config.image_token_id
            spent.add(sum(token == image for token in rendered.ids))
        assert spent == {tokens}, kind


def test_all_four_see_the_same_samples_in_the_same_order(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    worlds = [Worlds(variant, processor(name), recipe) for name, variant in VARIANTS.items()]
    for index in range(len(worlds[0])):
        first, *others = [each.example(index) for each in worlds]
        for other in others:
            assert other.answer == first.answer
            np.testing.assert_array_equal(other.frames, first.frames)


def test_the_looks_of_a_batch_of_pages_follow_the_recipe(tmp_path: Path) -> None:
    recipe = replace(tiny(tmp_path), steps=400, batch_size=2, looks=[0.25, 0.0, 0.0, 0.75])
    worlds = Worlds(VARIANTS["pvc"], processor("pvc"), recipe)
    looks = [worlds.looks(index) for index in range(len(worlds))]
    assert looks[::2] == looks[1::2]
    assert set(looks) == {1, 4}
    assert 0.15 < looks.count(1) / len(looks) < 0.35
    first = looks.index(1)
    while worlds.example(first).kind != "page" or looks[first] != 1:
        first += 1
    image = fresh(VARIANTS["pvc"], TINY, 0).config.image_token_id
    assert sum(token == image for token in worlds[first].rendered.ids) == 1
    assert Worlds(VARIANTS["uncompressed"], processor("uncompressed"), recipe).looks(first) == 1


def test_questions_differ_from_training_samples_and_every_event_of_a_long_video_lasts() -> None:
    for kind in KINDS:
        assert example(kind, 0, 0).answer == example(kind, 0, 0).answer
        assert not np.array_equal(example(kind, 0, 0).frames, example(kind, 10**6, 0).frames)
    frames = example("long", 0, 5).frames
    changes = [not np.array_equal(a, b) for a, b in zip(frames, frames[1:], strict=False)]
    assert len(frames) == LONG
    assert sum(changes) == 3
    assert not any(a and b for a, b in zip(changes, changes[1:], strict=False))


def test_before_training_and_with_closed_gates_three_of_the_four_have_equal_tokens() -> None:
    start = fresh(VARIANTS["uncompressed"], TINY, 7)
    page = torch.rand(2, 3, start.config.image_size, start.config.image_size)
    tokens = {}
    for name in ("repeats", "progressive", "pvc"):
        model = from_start(VARIANTS[name], TINY, 3, start).eval()
        with torch.no_grad():
            for block in model.tower.blocks:
                block.get_parameter("alpha").zero_()
        tokens[name] = model.encode(page, [1, 1], [LOOKS, LOOKS], [0.0, 0.25, 0.5, 0.75] * 2)
    torch.testing.assert_close(tokens["progressive"], tokens["repeats"])
    torch.testing.assert_close(tokens["pvc"], tokens["repeats"])


def test_with_changed_weights_only_repeats_have_equal_tokens_at_every_look() -> None:
    start = fresh(VARIANTS["uncompressed"], TINY, 7)
    page = torch.rand(1, 3, start.config.image_size, start.config.image_size)
    for name in ("repeats", "progressive", "pvc"):
        model = from_start(VARIANTS[name], TINY, 3, start).eval()
        with torch.no_grad():  # as if trained: open gates, norms that depend on time
            for parameter in (*model.tower.blocks.parameters(), *model.compressor.parameters()):
                parameter.add_(0.1 * torch.randn_like(parameter))
        tokens = model.encode(page, [1], [LOOKS], [0.0, 0.25, 0.5, 0.75]).view(LOOKS, -1)
        alike = torch.allclose(tokens[0], tokens[-1], atol=1e-5)
        assert alike == (name == "repeats"), name


def test_accuracy_is_the_share_of_correct_digits_or_words() -> None:
    long = replace(example("long", 0, 0), answer="a1b2c3d4")
    way = replace(example("way", 0, 0), answer="left")
    assert accuracy(["a1b2c9d4"], [long]) == 0.75
    assert accuracy([""], [long]) == 0.0
    assert accuracy(["left", "right"], [way, way]) == 0.5


def test_parallel_runs_are_trained_evaluated_and_not_repeated(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    runs = [("pvc", 0), ("repeats", 3)]
    first, second = run_in_parallel(runs, recipe, 2)
    assert (first["variant"], second["variant"], second["seed"]) == ("pvc", "repeats", 3)
    assert list(first["looks"]) == ["1", "2", "3", "4"]
    assert (tmp_path / "pvc-0" / "model" / "config.json").is_file()
    written = tmp_path / "pvc-0" / "scores.json"
    written.write_text(json.dumps({**first, "page": 0.5}), encoding="utf-8")
    assert run_in_parallel(runs, recipe, 1) == [{**first, "page": 0.5}, second]
    assert len(read_scores(tmp_path)) == 2
    with pytest.raises(ValueError, match="is from a run of 6 steps, not 7: give another folder"):
        run_in_parallel(runs, replace(recipe, steps=7), 2)


def test_the_report_has_means_deviations_and_paired_differences(tmp_path: Path) -> None:
    one = {"1": 0.1}
    results = [
        {"variant": name, "seed": seed, "looks": one, "page": right,
         "covered": 0.5, "way": 0.5, "long": 0.25}
        for name, seed, right in (
            ("repeats", 0, 0.2), ("repeats", 1, 0.4), ("pvc", 0, 0.9), ("progressive", 0, 0.5),
        )
    ]  # fmt: skip
    lines = table(results)
    assert "| repeats | 4 | 30.0 ± 14.1 | 50.0 ± 0.0 | 50.0 ± 0.0 | 25.0 ± 0.0 |" in lines
    same = "+0.0 (0 of 1 up)"
    assert f"| pvc against progressive | +40.0 (1 of 1 up) | {same} | {same} | {same} |" in (
        differences(results)
    )
    plot(results, tmp_path / "claim.png")
    assert (tmp_path / "claim.png").stat().st_size > 1000


def test_a_folder_without_scores_is_refused_with_the_command_that_makes_them(
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match="run python -m training.claim first"):
        read_scores(tmp_path)
