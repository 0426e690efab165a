"""Recipes are complete, or refused in one sentence that names the key."""

from pathlib import Path

import pytest

from training.encoders.recipe import EncoderRecipe
from training.recipe import load_recipe, read_yaml
from vlm.config_errors import checked

RECIPES = Path(__file__).parents[3] / "training" / "recipes"
SMALL = "data:\n  - {path: a.jsonl, weight: 2}\noutput: runs/x\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_repository_is_valid(path: Path) -> None:
    if path.stem.startswith("encoder-"):  # of `python -m training.encoders`
        assert checked(EncoderRecipe, read_yaml(path)).steps > 0
    else:
        assert load_recipe(path).steps > 0


def test_values_are_overridden_on_the_command_line(tmp_path: Path) -> None:
    changes = ["steps=7", "data.0.weight=0.5", "lora.rank=4", "bf16=false", "learning_rate=1.0e-5"]
    recipe = load_recipe(written(tmp_path, SMALL), changes)
    assert (recipe.steps, recipe.data[0].weight, recipe.bf16) == (7, 0.5, False)
    assert recipe.lora is not None
    assert recipe.lora.rank == 4
    assert recipe.learning_rate == 1e-5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL + "stesp: 3\n", "stesp is not a field of Recipe; its fields are data, output"),
        ("output: x\n", "data is missing"),
        ("data: []\noutput: x\n", "at least one source"),
        (SMALL + "looks: [0.5, 0.2]\n", "must add up to 1, not to 0.7"),
        (
            SMALL + "min_frames: 9\nmax_frames: 4\n",
            "(9) is larger than `max_frames`",
        ),
        (SMALL + "train_language_model: true\n", "not both"),
        ("- a\n- b\n", "list of `key: value` lines"),
        ("a: [1\n", "is not YAML"),
        ("data: a.jsonl\noutput: x\n", 'data must be a list of entries, not "a.jsonl"'),
        (
            SMALL.replace("weight", "weigth"),
            "data.0.weigth is not a field of Source",
        ),
        (
            SMALL + "lora: {rang: 3}\n",
            "lora.rang is not a field of Lora",
        ),
        (SMALL + "lora: true\n", "lora must be an object or null, not true"),
        (SMALL + "lora: {rank: 0}\n", "lora.rank must be a whole number of at least 1, not 0"),
        (SMALL + "lora: {rank: 8.5}\n", "lora.rank must be a whole number"),
        (SMALL + "steps: null\n", "steps must be a whole number of at least 1"),
        (SMALL + "steps: 0\n", "steps must be a whole number of at least 1, not 0"),
        (
            SMALL + "language_learning_rate: -1\n",
            "language_learning_rate must be",
        ),
        (SMALL + "warmup_ratio: 2\n", "warmup_ratio must be a number from 0 to 1, not 2"),
        (
            SMALL + "freeze: tower_\n",
            "freeze.0 must be one of backbone, tower, compressor, concepts",
        ),
        (SMALL + "quantize: 2bit\n", 'quantize must be one of "", 4bit, 8bit, not "2bit"'),
        (SMALL + "bf16: maybe\n", 'bf16 must be true or false or auto, not "maybe"'),
        (SMALL + "accumulation: 2\n", "its name is `gradient_accumulation_steps`"),
        (SMALL + "warmup: 0.1\n", "its name is `warmup_ratio`"),
        (SMALL + "keep: 3\n", "its name is `save_total_limit`"),
        (SMALL + "looks: [2, -1]\n", "looks.1 must be a number of at least 0, not -1"),
        (SMALL + "feature_cache_gb: -1\n", "feature_cache_gb must be a number of at least 0"),
        (
            SMALL + "report_to: [tensorbord]\n",
            "must be one of tensorboard, trackio, wandb",
        ),
    ],
)
def test_an_error_in_a_recipe_is_one_sentence_with_the_file_name(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match="recipe.yaml") as error:
        load_recipe(written(tmp_path, text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_override_without_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key=value"):
        load_recipe(written(tmp_path, SMALL), ["steps"])


@pytest.mark.parametrize("given", ["data.7.path=x", "data.a.path=x", "data.0.path.x=3", "a.b=["])
def test_an_override_of_a_missing_key_is_one_sentence(tmp_path: Path, given: str) -> None:
    with pytest.raises(ValueError, match="--set") as error:
        load_recipe(written(tmp_path, SMALL), [given])
    assert "\n" not in str(error.value)


def test_an_old_key_of_the_command_line_is_one_sentence_with_its_new_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its name is `save_total_limit`") as error:
        load_recipe(written(tmp_path, SMALL), ["keep=3"])
    assert "\n" not in str(error.value)


def test_a_single_value_stands_for_a_list_of_one(tmp_path: Path) -> None:
    text = SMALL + "evaluation: held.jsonl\nfreeze: backbone\nlooks: 1\nsamples:\n"
    recipe = load_recipe(written(tmp_path, text))
    assert (recipe.evaluation, recipe.freeze) == (("held.jsonl",), ("backbone",))
    assert (recipe.looks, recipe.samples) == ((1.0,), "")


def test_adapters_are_frozen_only_if_an_earlier_stage_trained_them(tmp_path: Path) -> None:
    frozen = SMALL + "freeze: language_model\n"
    with pytest.raises(ValueError, match="`start_from` the stage that trained them"):
        load_recipe(written(tmp_path, frozen))
    recipe = load_recipe(written(tmp_path, frozen + "start_from: runs/earlier\n"))
    assert recipe.freeze == ("language_model",)
    assert recipe.lora is not None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("steps: 3\nnum_epochs: 2", "give `steps` or `num_epochs`, not both"),
        ("num_train_epochs: 2", "`num_train_epochs` is not a key .* its name is `num_epochs`"),
        ("mix_in: {cats: 0.1}", "`mix_in` offers worlds and chat, not 'cats'"),
        ("mix_in: {chat: 0.5, worlds: 0.5}", "must add up to less than 1, not to 1"),
        ("load_best_model_at_end: true", "needs held-out records: give `evaluation`"),
        ("early_stopping_patience: 2", "needs held-out records: give `evaluation`"),
        ("lr_scheduler_type: step", "must be one of cosine, linear, constant_with_warmup"),
    ],
)
def test_lengths_and_choices_that_cannot_be_are_refused(
    lines: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"data: [{{path: a.jsonl}}]\noutput: x\n{lines}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_recipe(path)
