"""Frames of small films that are kept equal those that are read."""

import random
from pathlib import Path

import numpy as np
import pytest

from data.records import MediaFile
from data.tasks.toy.films import Mover, film, write_film, write_frames
from training.encoders.tasks import films as module
from training.encoders.tasks.films import Films

MOVER = Mover("red", "circle", "right", 0.0, 2.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "film.mp4", film(np.random.default_rng(0), 2.0, [MOVER]))
    return folder / "film.mp4"


def test_kept_frames_are_those_displayed_at_the_times(path: Path) -> None:
    films, rng = Films(30.0, 24), random.Random(0)
    films.at(path, [0.5])
    assert list(films._kept) == [path]
    for _ in range(20):
        times = sorted(rng.uniform(0, 2.2) for _ in range(rng.randint(1, 9)))
        times = rng.choice([times, [round(8 * t) / 8 for t in times]])
        frames, seconds = films.at(path, times)
        read = films.decoder.video_at(MediaFile("video", path), times, 24)
        assert seconds.tolist() == pytest.approx(read.times)
        assert np.array_equal(frames, read.frames)


def test_a_large_film_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 16 * 3 * 24 * 24 - 1)
    films = Films(30.0, 24)
    frames, seconds = films.at(path, [0.1, 1.0])
    assert frames.shape == (2, 24, 24, 3)
    assert seconds.tolist() == pytest.approx([0.0, 1.0])
    assert not films._kept


def test_no_more_is_kept_than_fits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 100)
    films = Films(30.0, 24)
    films.at(path, [0.1])
    assert not films._kept


def test_a_picture_is_read_once(tmp_path: Path) -> None:
    (name, *_) = write_frames(tmp_path, film(np.random.default_rng(0), 1.0, [MOVER]))
    films = Films(30.0, 24)
    first = films.picture(tmp_path / name, 8)
    (tmp_path / name).unlink()
    assert np.array_equal(films.picture(tmp_path / name, 8), first)
