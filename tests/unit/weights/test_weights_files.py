"""Weight files, and folders that are built once."""

import json
import multiprocessing
import os
import pickle
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vlm.weights.io import cache
from vlm.weights.io.cache import build_atomically, build_once, is_built, verify
from vlm.weights.io.files import WeightsError, cache_dir, read_safetensors, write_safetensors

SOURCE = {"of": "this test"}


def write_one(folder: Path) -> None:
    (folder / "one.txt").write_text("one")


def test_the_environment_sets_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISIT_CACHE", "/somewhere/else")
    assert cache_dir() == Path("/somewhere/else")
    monkeypatch.delenv("REVISIT_CACHE")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_dir() == Path("/home/me/.cache/revisit")


def test_written_tensors_are_read_unchanged(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).T, "b": torch.tensor([1.5], dtype=torch.bfloat16)}
    write_safetensors(tensors, tmp_path / "new" / "w.safetensors")
    back = read_safetensors(tmp_path / "new" / "w.safetensors")
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor)


def test_weight_files_get_the_mode_of_other_new_files(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        save_file({"a": torch.zeros(1)}, folder / "model.safetensors")  # its owner's alone
        write_one(folder)

    before = os.umask(0o027)
    try:
        write_safetensors({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
        build_atomically(tmp_path / "model", SOURCE, make)
    finally:
        os.umask(before)
    written = [tmp_path / "w.safetensors", *(tmp_path / "model").iterdir()]
    assert len(written) == 4
    assert {path.stat().st_mode & 0o777 for path in written} == {0o640}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (pickle.dumps({"a": 1}, protocol=2), "pickle"),
        (b"PK\x03\x04 as torch.save writes it", "pickle"),
        (b"<!DOCTYPE html><p>Not found", "web page"),
        (b"", "empty"),
        (b"\x08\0\0\0\0\0\0\0{", "truncated"),
        (b"\xff" * 100, "truncated"),
    ],
)
def test_a_file_that_is_not_safetensors_is_identified(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as error:
        read_safetensors(path)
    assert str(path) in str(error.value)


def test_a_truncated_file_and_a_missing_file_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_safetensors({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="truncated"):
        read_safetensors(path)
    with pytest.raises(WeightsError, match="no such file"):
        read_safetensors(tmp_path / "none.safetensors")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_safetensors({"a": torch.ones(2)}, path)
    with pytest.raises(AttributeError):
        write_safetensors({"a": "not a tensor"}, path)  # type: ignore[dict-item]
    assert os.listdir(tmp_path) == ["w.safetensors"]
    assert torch.equal(read_safetensors(path)["a"], torch.ones(2))


def test_a_folder_is_built_once_and_rebuilt_when_its_source_changes(tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / f"{len(made)}.txt").write_text("x")

    for _ in range(2):
        assert build_once(tmp_path / "f", {"version": "1"}, make) == tmp_path / "f"
    assert len(made) == 1
    build_once(tmp_path / "f", {"version": "2"}, make)
    assert len(made) == 2
    assert not (tmp_path / "f" / "1.txt").exists()
    assert (tmp_path / "f" / "2.txt").exists()


def test_a_folder_with_a_missing_or_shorter_file_is_rebuilt(tmp_path: Path) -> None:
    folder = build_once(tmp_path / "f", SOURCE, write_one)
    (folder / "one.txt").unlink()
    assert not is_built(folder, SOURCE)
    build_once(folder, SOURCE, write_one)
    (folder / "one.txt").write_text("o")
    build_once(folder, SOURCE, write_one)
    assert (folder / "one.txt").read_text() == "one"
    (folder / cache.MANIFEST).write_text("{")
    build_once(folder, SOURCE, write_one)
    assert is_built(folder, SOURCE)


def test_a_failed_build_leaves_the_old_folder(tmp_path: Path) -> None:
    build_once(tmp_path / "f", {"version": "1"}, write_one)

    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        build_once(tmp_path / "f", {"version": "2"}, fail)
    assert is_built(tmp_path / "f", {"version": "1"})
    assert {path.name for path in tmp_path.iterdir()} <= {"f", ".f.lock"}


def test_leftovers_of_a_killed_process_are_replaced(tmp_path: Path) -> None:
    (tmp_path / ".f.building").mkdir()
    (tmp_path / ".f.building" / "half.txt").write_text("half")
    (tmp_path / ".f.old").mkdir()
    folder = build_once(tmp_path / "f", SOURCE, write_one)
    assert sorted(os.listdir(folder)) == [cache.MANIFEST, "one.txt"]
    assert {path.name for path in tmp_path.iterdir()} <= {"f", ".f.lock"}


def _make_slowly(folder: Path) -> None:
    with (folder.parent / "count.txt").open("a") as count:
        count.write("x")
    time.sleep(0.3)
    write_one(folder)


def _make_from_another_process(folder: Path) -> None:
    build_once(folder, SOURCE, _make_slowly)
    assert (folder / "one.txt").read_text() == "one"


def test_two_concurrent_processes_build_it_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    arguments = (tmp_path / "f",)
    processes = [context.Process(target=_make_from_another_process, args=arguments) for _ in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert (tmp_path / "count.txt").read_text() == "x"


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    folder = build_once(tmp_path / "f", SOURCE, write_one)
    verify(folder)
    (folder / "one.txt").write_text("onf")
    assert is_built(folder, SOURCE)  # sizes do not show it
    with pytest.raises(WeightsError, match=r"one\.txt"):
        verify(folder)


def test_an_unwritable_cache_is_reported_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match="REVISIT_CACHE"):
        build_once(tmp_path / "file" / "f", SOURCE, write_one)


def test_a_manifest_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    folder = build_once(tmp_path / "f", SOURCE, write_one)
    manifest = json.loads((folder / cache.MANIFEST).read_text())
    assert manifest["source"] == SOURCE
    assert list(manifest["files"]) == ["one.txt"]
    assert manifest["files"]["one.txt"]["bytes"] == 3
