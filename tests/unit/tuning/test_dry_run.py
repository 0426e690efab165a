"""A dry run: parameters, shapes, operations and memory, computed on the meta device."""

import json
import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
import torch
import yaml
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.trainable import base_folder, tiny_recipe
from training.dry_run.flops import Shape, sample_cost
from training.dry_run.report import Machine, dry_run, fixed_memory, meta_model
from training.model.initial_model import model_folder
from training.recipe import Lora, Recipe, Source, load_recipe
from vlm.presets import build_model

RECIPES = Path(__file__).parents[3] / "training" / "recipes"
AT_SCALE = sorted(RECIPES.glob("pvc-*.yaml"))
SMALL = Recipe(
    data=(Source("a.jsonl", 3.0, "image"), Source("b.jsonl", 1.0, "video")),
    output="runs/x",
    model="test",
    lora=None,
    train_language_model=True,
    bf16=False,
)
CLIP = Shape("video", 1.0, clips=1, frames=3, looks=3, text_tokens=12, answer_tokens=4)


@pytest.mark.parametrize("path", AT_SCALE, ids=lambda path: path.stem)
def test_recipes_at_scale_have_a_dry_run(path: Path) -> None:
    recipe = load_recipe(path, [])
    report = "\n".join(dry_run(recipe, Machine(devices=64)))
    size = {"2b": "3,655.1 M | 3,655.1 M", "8b": "9,549.8 M | 9,549.8 M"}[path.stem.split("-")[2]]
    share = {"pretrain": "50 %", "instruct": "75 %"}[path.stem.split("-")[3]]
    assert f"| total | {size} |" in report  # all parameters are trained
    assert f"| image | {share} | 12 x [1, 3, 448, 448] | 48 | 3,264 |" in report
    assert "1 x [56, 3, 448, 448] | 56 | 3,776 |" in report
    assert "= 128 samples" in report


@pytest.mark.parametrize("stage", ["pretrain", "instruct"])
def test_recipes_of_both_sizes_differ_only_in_sizes(stage: str) -> None:
    of_2b, of_8b = (
        yaml.safe_load((RECIPES / f"pvc-internvl2-{size}-{stage}.yaml").read_text())
        for size in ("2b", "8b")
    )
    assert of_2b.keys() == of_8b.keys()
    names = {"model", "output", "start_from", "batch_size", "gradient_accumulation_steps"}
    assert {key for key in of_2b if of_2b[key] != of_8b[key]} <= names
    assert of_2b["batch_size"] * of_2b["gradient_accumulation_steps"] == 2
    assert of_8b["batch_size"] * of_8b["gradient_accumulation_steps"] == 2


def test_operations_extrapolated_from_two_layers_are_exact() -> None:
    cost = sample_cost(meta_model(SMALL).bfloat16(), CLIP)
    model = build_model("test")
    config = model.config
    assert config.tower_config.temporal.num_layers > 1 or config.text_config.num_hidden_layers > 1
    ids = torch.full((1, CLIP.tokens(config)), config.image_token_id)
    ids[:, -CLIP.text_tokens :] = 1
    size = config.image_size
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(
            input_ids=ids,
            pixel_values=torch.zeros(3, 3, size, size),
            clip_frames=torch.tensor([3]),
            clip_looks=torch.tensor([3]),
            timesteps=torch.arange(3) / 3,
            logits_to_keep=CLIP.answer_tokens,
        )
    assert cost.forward == counter.get_total_flops()


def test_frozen_parts_have_no_backward_operations() -> None:
    everything = sample_cost(meta_model(SMALL).bfloat16(), CLIP)
    adapters = replace(
        SMALL, lora=Lora(2, 4), train_language_model=False, freeze=("backbone", "compressor")
    )
    some = sample_cost(meta_model(adapters).bfloat16(), CLIP)
    assert 2.5 * everything.forward < everything.training <= 3 * everything.forward
    assert some.training < 0.95 * everything.training
    assert some.saved <= everything.saved


def test_sharding_divides_the_memory_of_each_device() -> None:
    model = meta_model(SMALL)
    weights = sum(p.numel() for p in model.parameters())
    kinds = ("parameters", "gradients", "AdamW's moments")
    for sharding, shares in (
        ("none", (4, 4, 8)),  # bytes of fp32 for each weight
        ("optimizer", (4, 4, 2)),
        ("gradients", (4, 1, 2)),
        ("full", (1, 1, 2)),
    ):
        memory = fixed_memory(model, Machine(4, sharding))
        assert [memory[kind] / weights for kind in kinds] == list(shares)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nowhere"}, '"nowhere" is neither a preset'),
    ],
)
def test_an_incomplete_recipe_is_refused_in_one_sentence(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        dry_run(replace(SMALL, **change), Machine())  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_a_missing_file_without_a_kind_is_assumed_to_have_images() -> None:
    recipe = replace(SMALL, data=(Source("a.jsonl"),))
    report = dry_run(recipe, Machine())
    assert any("a.jsonl has no `kind` and cannot be read here" in line for line in report)
    assert any(line.startswith("| image | 100 %") for line in report)


def test_kinds_and_too_long_records_are_read_from_the_data(tmp_path: Path) -> None:
    base_folder(tmp_path)
    long = {"role": "user", "content": "?" * 3000}
    answer = {"role": "assistant", "content": "a"}
    lines = (tmp_path / "mixed.jsonl").read_text(encoding="utf-8")
    lines += json.dumps({"id": "long", "messages": [long, answer]}) + "\n"
    (tmp_path / "mixed.jsonl").write_text(lines, encoding="utf-8")
    recipe = tiny_recipe(tmp_path, "run", data=(Source("mixed.jsonl"),))
    report = dry_run(recipe, Machine())
    assert any(line.startswith("| image | 44 %") for line in report)
    assert any(line.startswith("| text | 56 %") for line in report)
    named = [line for line in report if "line 9: up to 3,0" in line]
    assert len(named) == 1
    assert any("1 record can be longer than 2,048 tokens" in line for line in report)
    assert not any(
        "can be longer" in line
        for line in dry_run(replace(recipe, data=(Source("records.jsonl"),)), Machine())
    )


def recipes_of_docs() -> list[str]:
    text = (RECIPES.parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
    blocks = [dedent(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    return [block for block in blocks if "output:" in block]


@pytest.mark.parametrize("block", recipes_of_docs(), ids=lambda block: block.splitlines()[0][:30])
def test_each_recipe_of_the_docs_has_a_dry_run(block: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(block, encoding="utf-8")
    recipe = load_recipe(path, [])
    assert f"# {recipe.output}: " in dry_run(recipe, Machine())[0]


def test_the_docs_have_recipes() -> None:
    assert len(recipes_of_docs()) >= 2


@pytest.mark.parametrize(
    "path", sorted(RECIPES.glob("embedded-*.yaml")), ids=lambda path: path.stem
)
def test_recipes_of_the_embedded_model_have_a_dry_run(path: Path) -> None:
    assert any("| total |" in line for line in dry_run(load_recipe(path, []), Machine()))


def test_an_impossible_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        Machine(devices=0)
    with pytest.raises(ValueError, match="not 'half'"):
        Machine(sharding="half")


def test_a_preset_without_weights_is_not_trained() -> None:
    with pytest.raises(ValueError, match="is a preset without weights.*vlm.assemble"):
        model_folder("pvc-internvl2-8b")
