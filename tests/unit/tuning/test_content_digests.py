"""What a run reads is compared by content: weights, media and records, wherever they lie."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.trainable import base_folder, tiny_recipe
from tests.waiting import until
from training.checkpoints import content_digests
from training.checkpoints.content_digests import file_digest, media_digests
from training.checkpoints.run_identity import fingerprint, refuse_changes
from training.recipe import Recipe, Source


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return tiny_recipe(base_folder(tmp_path), "run")


def refusal(before: dict[str, Any], recipe: Recipe) -> str:
    with pytest.raises(ValueError, match="was made with") as error:
        refuse_changes(before, fingerprint(recipe, 1), Path("checkpoint-2"))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_other_base_weights_are_refused_by_name(recipe: Recipe) -> None:
    before = fingerprint(recipe, 1)
    refuse_changes(before, fingerprint(recipe, 1), Path("checkpoint-2"))
    path = Path(recipe.model) / "model.safetensors"
    tensors = load_file(path)
    name = min(tensors, key=lambda one: tensors[one].numel())
    tensors[name] = tensors[name] + 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert "other base weights (model/model.safetensors has changed)" in refusal(before, recipe)


def test_another_stage_to_start_from_is_refused_by_name(recipe: Recipe, tmp_path: Path) -> None:
    trained = tmp_path / "earlier" / "trained"
    trained.mkdir(parents=True)
    save_file({"a": torch.zeros(3)}, trained / "model.safetensors")
    recipe = replace(recipe, start_from=str(tmp_path / "earlier"))
    before = fingerprint(recipe, 1)
    save_file({"a": torch.ones(3)}, trained / "model.safetensors")
    assert "(start_from/model.safetensors has changed)" in refusal(before, recipe)


def test_a_changed_picture_is_refused_by_name(recipe: Recipe) -> None:
    before = fingerprint(recipe, 1)
    path = Path(recipe.data_root) / "3.png"
    Image.new("RGB", (40, 33), "green").save(path)
    assert "checkpoint-2 was made with other media (3.png has changed)" in refusal(before, recipe)
    path.unlink()
    assert "other media (3.png has changed)" in refusal(before, recipe)


def test_many_changed_pictures_are_counted(recipe: Recipe) -> None:
    before = fingerprint(recipe, 1)
    for number in range(8):
        (Path(recipe.data_root) / f"{number}.png").write_bytes(b"x")
    assert "2.png has changed; so have 5 more files" in refusal(before, recipe)


def test_a_changed_picture_inside_a_tar_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "train.tar"
    path.write_bytes(b"a" * 4096)
    recipe = tiny_recipe(tmp_path, "run", data=(Source("train.tar"),))
    before = fingerprint(recipe, 1)
    path.write_bytes(b"a" * 2000 + b"b" + b"a" * 2095)
    assert "other media (train.tar has changed)" in refusal(before, recipe)


@pytest.mark.parametrize("absolute", [False, True])
def test_moved_folders_are_the_same_run(recipe: Recipe, absolute: bool, tmp_path: Path) -> None:
    def at(root: Path) -> Recipe:
        name = str(root / "mixed.jsonl") if absolute else "mixed.jsonl"
        data = (Source("records.jsonl", 2.0), Source(name))
        paths = {"data_root": str(root), "model": str(root / "base"), "output": str(root / "run")}
        return replace(recipe, data=data, **paths)

    before = fingerprint(at(Path(recipe.data_root)), 1)
    moved = tmp_path / "elsewhere" / "else"
    shutil.copytree(Path(recipe.data_root), moved, copy_function=shutil.copyfile)
    for name in ("records.jsonl", "mixed.jsonl"):
        (Path(recipe.data_root) / name).unlink()
    refuse_changes(before, fingerprint(at(moved), 1), Path("checkpoint-2"))
    (moved / "mixed.jsonl").write_text("", encoding="utf-8")
    assert "mixed.jsonl has changed" in refusal(before, at(moved))


def test_checkpoints_without_digests_compare_paths(recipe: Recipe, tmp_path: Path) -> None:
    now = fingerprint(recipe, 1)
    old = {name: now[name] for name in ("recipe", "data")}
    refuse_changes(old, now, Path("checkpoint-2"))
    other = fingerprint(replace(recipe, output=str(tmp_path / "other")), 1)
    with pytest.raises(ValueError, match=r"another recipe \(output: "):
        refuse_changes(old, other, Path("checkpoint-2"))


def test_a_digest_is_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(content_digests, "REMEMBERED", 10)
    path = tmp_path / "weights"
    path.write_bytes(b"0123456789")
    first = file_digest(path)
    with monkeypatch.context() as patch:
        patch.setattr(content_digests, "_content_digest", pytest.fail)
        assert file_digest(path) == first
    times = path.stat()
    path.write_bytes(b"0123456780")

    def changed() -> bool:
        """Whether only the time of change differs: that clock may tick a hundred times a second."""
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return path.stat().st_ctime_ns != times.st_ctime_ns

    until(changed)
    assert file_digest(path) != first


def test_of_a_large_file_evenly_spread_blocks_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MAX_HASHED": 100, "BLOCK": 10, "BLOCKS": 11}.items():
        monkeypatch.setattr(content_digests, name, value)
    path = tmp_path / "weights"
    content = bytearray(1010)
    path.write_bytes(content)
    first = file_digest(path)
    for position in (0, 105, 505, 1009):
        content[position] = 1
        path.write_bytes(content)
        assert file_digest(path) != first
        content[position] = 0


def test_media_that_are_no_files_are_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    names = ("pipe.png", "/dev/zero", "gone.png", "a\0b.png")
    messages = [{"role": "user", "content": [{"type": "image", "image": n} for n in names]}]
    lines = ["{", "[]", '{"messages": 3}', json.dumps({"messages": messages})]
    (tmp_path / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = media_digests(tmp_path / "records.jsonl")
    assert list(found.values()) == ["not a file", "not a file", "missing", "missing"]
