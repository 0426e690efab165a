"""The files of a run: general records mixed in by share, epochs counted in steps."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from data.records import write_records
from tests.trainable import base_folder, tiny_recipe
from training.checkpoints.run_identity import fingerprint, refuse_changes
from training.dataset import build_dataset
from training.model.initial_model import load_initial_model
from training.recipe import Recipe, Source
from training.sources import (
    general_folder,
    steps_of_epochs,
    weighted_files,
    without_words,
)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    data = (Source("records.jsonl", 3.0), Source("mixed.jsonl", 1.0))
    return tiny_recipe(base_folder(tmp_path), "run", data=data, mix_in={"chat": 0.2}, steps=50)


def make_chat() -> Path:
    path = general_folder() / "chat.jsonl"
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "r"}]
    write_records(path, [{"id": str(n), "messages": messages} for n in range(3)])
    return path


def test_general_records_get_their_share_of_the_samples(recipe: Recipe) -> None:
    chat = make_chat()
    weights = {file.name: file.weight for file in weighted_files(recipe)}
    assert weights == pytest.approx({"records.jsonl": 3, "mixed.jsonl": 1, "mix_in chat": 1})
    model, processor = load_initial_model(recipe.model)
    dataset = build_dataset(recipe, model, processor)
    files = Counter(dataset.where(n).partition(",")[0] for n in range(len(dataset)))
    assert files[str(chat)] == 20
    assert files[f"{recipe.data_root}/records.jsonl"] == 60


def test_general_records_that_are_not_made_are_named_with_the_command(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=r"chat.jsonl, which does not exist: run `python -m data"):
        weighted_files(recipe)


def test_changed_general_records_are_refused(recipe: Recipe) -> None:
    chat = make_chat()
    before = fingerprint(recipe, 1)
    chat.write_text(chat.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(ValueError, match=r"other data \(mix_in chat has changed\)"):
        refuse_changes(before, fingerprint(recipe, 1), Path("checkpoint-2"))
    with pytest.raises(ValueError, match=r"mix_in: \{'chat': 0.2\} -> \{\}"):
        refuse_changes(before, fingerprint(replace(recipe, mix_in={}), 1), Path("checkpoint-2"))


def test_an_epoch_reads_the_own_files_once(recipe: Recipe) -> None:
    once = replace(recipe, num_epochs=1.0, mix_in={})
    assert steps_of_epochs(once, 1) == 8  # 16 records, two in a step
    assert steps_of_epochs(replace(once, num_epochs=2.5), 1) == 20
    assert steps_of_epochs(once, 3) == 3
    assert steps_of_epochs(replace(once, mix_in={"chat": 0.2}), 1) == 10


def test_an_epoch_of_tar_files_is_refused(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="an epoch of tar files is not known in advance"):
        steps_of_epochs(replace(recipe, num_epochs=1.0, data=(Source("a.tar"),)), 1)


def test_files_whose_media_lack_the_words_of_experts_are_named(tmp_path: Path) -> None:
    def write(name: str, *parts: dict[str, object]) -> None:
        message = {"role": "user", "content": [*parts, {"type": "text", "text": "What?"}]}
        line = {"id": "1", "messages": [message, {"role": "assistant", "content": "A cat."}]}
        (tmp_path / name).write_text(json.dumps(line) + "\n")

    (tmp_path / "a.png").touch()
    picture: dict[str, object] = {"type": "image", "image": "a.png"}
    write("bare.jsonl", picture)
    write("words.jsonl", {**picture, "words": ["Kind: cat 90%."]})
    write("text.jsonl")
    names = ("bare.jsonl", "words.jsonl", "text.jsonl")
    recipe = Recipe(tuple(Source(path) for path in names), "run", data_root=str(tmp_path))
    assert without_words(recipe) == ["bare.jsonl"]
