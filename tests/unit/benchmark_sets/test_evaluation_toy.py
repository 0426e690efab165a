"""Toy sets: reproducible, and never overwriting files."""

import hashlib
from pathlib import Path

import pytest

from data.tasks.toy.sets import TOY_SETS
from evaluation.benchmarks import BENCHMARKS
from evaluation.toy import TOYS, make_toy, make_toys


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".zip"  # zip files contain their creation time
    }


def test_there_is_a_toy_set_for_every_benchmark_that_this_repository_does_not_make() -> None:
    assert set(TOYS) | set(TOY_SETS) == set(BENCHMARKS) - {"worlds", "photos"}


@pytest.mark.parametrize("name", ["docvqa", "longvideobench", "visitors"])
def test_toy_sets_are_reproducible(tmp_path: Path, name: str) -> None:
    for place in ("a", "b"):
        make_toy(name, tmp_path / place)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != {}


def test_a_folder_that_is_not_empty_is_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        make_toy("docvqa", tmp_path)
    with pytest.raises(ValueError, match="known are videomme"):
        make_toy("vqav2", tmp_path / "new")


def test_making_all_toy_sets_skips_existing_ones(tmp_path: Path) -> None:
    (tmp_path / "videomme").mkdir()
    (tmp_path / "videomme" / "real.zip").write_text("not ours")
    said = list(make_toys(tmp_path))
    assert said[0].endswith("left unchanged")
    assert {path.name for path in tmp_path.iterdir()} == set(TOYS)
    assert [path.name for path in (tmp_path / "videomme").iterdir()] == ["real.zip"]
