"""A film's text is read in few of its frames, and found as if every frame were read."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from vlm.experts.findings import Line
from vlm.experts.reading.film_text import read_film
from vlm.experts.reading.reader import FILM, Reader
from vlm.experts.reading.text_regions import Region

installed = all(importlib.util.find_spec(name) for name in ("onnxruntime", "rapidocr"))
needs_weights = pytest.mark.skipif(not installed, reason="onnxruntime or rapidocr is missing")
SIGN = (0.1, 0.1, 0.5, 0.3)


class Film:
    """Frames that all differ; a number on each stands for its text, 0 for none."""

    def __init__(self, texts: list[int]) -> None:
        self.frames = torch.zeros(len(texts), 100, 100, 3, dtype=torch.uint8)
        for t, text in enumerate(texts):
            self.frames[t, 60:, 5 * t : 5 * t + 20] = 250
            self.frames[t, 10:30, 10:50] = 60 * text
        self.read_frames: list[int] = []
        self.glances: list[int] = []

    def number(self, frame: torch.Tensor) -> int:
        return next(t for t, other in enumerate(self.frames) if torch.equal(other, frame))

    def read(self, frame: torch.Tensor) -> list[Line]:
        self.read_frames.append(self.number(frame))
        text = int(frame[20, 20, 0]) // 60
        return [Line(str(text), 1.0, SIGN, 0.2)] if text else []

    def glance(self, frame: torch.Tensor) -> list[Region]:
        self.glances.append(self.number(frame))
        return [Region(30, 20, 40, 20, 0.0, 1.0)] if frame[20, 20, 0] else []


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        ([0] * 9, [0, 2, 4, 6, 8]),
        ([1] * 8, [0, 2, 4, 6, 7]),  # the last one, too
        ([0, 0, 0, 1, 0], [0, 2, 3, 4]),  # shown once: a glance finds it
        ([1, 1, 1, 2, 1], [0, 2, 3, 4]),  # another text at the place
        ([1, 1, 1, 0, 1], [0, 2, 3, 4]),
        ([1, 1, 2, 2, 2], [0, 1, 2, 4]),
        ([1, 2], [0, 1]),
    ],
)
def test_every_second_frame_is_read_unless_its_text_may_differ(
    texts: list[int], read: list[int]
) -> None:
    film = Film(texts)
    lines = read_film(film.frames, film.read, film.glance)
    assert sorted(film.read_frames) == read
    assert [[line.text for line in of] for of in lines] == [[str(t)] if t else [] for t in texts]
    assert len(film.glances) == len(set(film.glances))  # one glance at a frame


def test_frames_that_hardly_differ_are_read_once() -> None:
    film = Film([0, 0])
    film.frames = film.frames[[0, 0, 0, 1, 1]]
    read_film(film.frames, film.read, film.glance)
    assert film.read_frames == [0, 3]


@needs_weights
def test_a_film_is_read_as_its_frames_are_one_by_one() -> None:
    reader = Reader(num_threads=1)
    frames = torch.stack([scene(t) for t in range(7)])
    one_by_one = [[line.text for line in reader.read(frame, FILM)] for frame in frames]
    assert [[line.text for line in lines] for lines in reader(frames)] == one_by_one
    assert one_by_one[0] == ["Platform 9"]
    assert one_by_one[3] == ["STOP", "Platform 9"]


def scene(t: int) -> torch.Tensor:
    """A square that moves under a sign; another sign shows in frame 3 alone."""
    picture = Image.new("RGB", (480, 270), (70, 110, 90))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40 * t, 120, 40 * t + 60, 180), (200, 40, 40))
    draw.text((150, 210), "Platform 9", "white", ImageFont.load_default(30))
    if t == 3:
        draw.text((180, 30), "STOP", "yellow", ImageFont.load_default(40))
    return torch.from_numpy(np.array(picture))
