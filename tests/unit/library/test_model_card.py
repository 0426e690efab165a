"""The code in a model card works: each block is run as it stands, beside the folder it names."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from chat_templates import family_tokenizer
from media_maker import write_video
from transformers import AutoModelForCausalLM, LlamaConfig

from app.__main__ import parser
from tests.trainable import base_folder, tiny_recipe
from training.model.card import write_card
from training.recipe import recipe_from_values
from vlm.assemble.build import assemble, write
from vlm.assistant import Finished

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOWER = {
    "image_size": 32, "patch_size": 8, "depth": 1, "dim": 8, "num_heads": 2, "mlp_dim": 16,
    "num_temporal_layers": 1, "temporal_heads": 2,
}  # fmt: skip


def assembled(root: Path) -> Path:
    """A tiny model from vlm.assemble, with its card."""
    tokenizer = family_tokenizer("smollm2")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(root / "lm")
    tokenizer.save_pretrained(root / "lm")
    write(assemble("fresh", str(root / "lm"), "pvc-narrow", {"tower": TOWER}), root / "assembled")
    return root / "assembled"


def trained(root: Path) -> Path:
    """A tiny saved model with the card that training writes."""
    folder = base_folder(root) / "base"
    write_card(folder, tiny_recipe(root, "run"), root / "run")
    return folder


@pytest.fixture(scope="module", params=[assembled, trained], ids=["assembled", "trained"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder called THIS_FOLDER, with clip.mp4 beside it."""
    root = tmp_path_factory.mktemp("card")
    made = request.param(root)
    write_video(root / "clip.mp4", frames=20, size=(64, 48))
    return Path(shutil.move(made, root / "THIS_FOLDER"))


def blocks(folder: Path) -> dict[str, str]:
    """The code blocks of the card by language."""
    found = BLOCK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert len(dict(found)) == len(found)
    return dict(found)


def test_the_python_of_a_card_answers_about_a_clip(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    names: dict[str, Any] = {}
    exec(compile(blocks(folder)["python"], "README.md", "exec"), names)
    last = names["event"]
    assert isinstance(last, Finished)
    assert last.usage.new_tokens > 0
    assert last.usage.decoded_files == 1
    printed = capsys.readouterr().out
    assert printed
    assert printed.strip() == last.text.strip()


def test_the_commands_of_a_card_are_commands_of_the_app(folder: Path) -> None:
    commands = blocks(folder)[""].splitlines()
    assert len(commands) == 2
    for command in commands:
        python, *module, name = shlex.split(command)[:4]
        assert [python, *module] == ["python", "-m", "app"]
        options = parser().parse_args([name, *shlex.split(command)[4:]])
        assert options.model == "THIS_FOLDER"


def test_a_card_has_no_other_code_block_than_a_recipe(folder: Path) -> None:
    assert blocks(folder).keys() - {"json"} == {"", "python"}


def test_the_recipe_in_a_card_of_training_is_the_recipe_of_the_run(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "run")
    write_card(tmp_path, recipe, tmp_path / "run")
    assert recipe_from_values(json.loads(blocks(tmp_path)["json"]), "README.md") == recipe
