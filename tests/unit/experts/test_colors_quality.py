"""Colors, blur and darkness of frames, and the experts together."""

import threading

import numpy as np
import pytest
import torch

from app.page.asking.examples import FOLDER
from data.synthetic.language.imagenet_names import imagenet_classes
from vlm.experts.classifier import class_names
from vlm.experts.colors import NAMES, color_of, color_of_thing, middle_color, name_pixels
from vlm.experts.detection.detector import WEIGHTS, Detector, load_detector
from vlm.experts.detection.nanodet import NanoDet
from vlm.experts.experts import Experts
from vlm.experts.findings import Findings, Kind, Thing
from vlm.experts.kinds import kinds_of
from vlm.experts.quality import _bright_end, quality, small_frames
from vlm.experts.reading.reader import ReaderMissingError
from vlm.media.decode import read_video


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((10, 10, 10), "black"),
        ((250, 250, 250), "white"),
        ((128, 128, 128), "gray"),
        ((220, 20, 30), "red"),
        ((255, 140, 0), "orange"),
        ((250, 220, 40), "yellow"),
        ((30, 150, 60), "green"),
        ((30, 80, 200), "blue"),
        ((120, 40, 170), "purple"),
        ((250, 150, 190), "pink"),
        ((110, 70, 40), "brown"),
    ],
)
def test_plain_colors_have_their_names(rgb: tuple[int, int, int], name: str) -> None:
    assert NAMES[name_pixels(np.array(rgb, np.uint8))] == name


def test_the_middle_of_a_box_decides() -> None:
    frame = np.full((100, 100, 3), 255, np.uint8)
    frame[20:60, 20:60] = (30, 80, 200)
    assert color_of(frame) == "white"
    assert middle_color(frame) == "blue"
    assert color_of_thing(frame, Thing("car", 0.9, (0.15, 0.15, 0.65, 0.65))) == "blue"
    assert color_of_thing(frame, Thing("car", 0.9, (1.0, 1.0, 1.0, 1.0))) == "white"


def test_a_color_that_is_around_a_thing_too_is_not_its_own() -> None:
    frame = np.full((100, 100, 3), (110, 70, 40), np.uint8)
    frame[20:80, 42:58] = 250
    horse = Thing("horse", 0.9, (0.25, 0.15, 0.75, 0.85))
    assert color_of(frame, horse.box) == "brown"
    assert color_of_thing(frame, horse) == "white"


def test_a_persons_color_is_that_of_the_clothes() -> None:
    frame = np.full((100, 100, 3), 255, np.uint8)
    frame[:50] = (200, 140, 110)
    frame[55:] = (220, 20, 30)
    assert color_of_thing(frame, Thing("person", 0.9, (0.1, 0.0, 0.9, 1.0))) == "red"


def test_a_blurred_and_a_dark_frame_are_recognized() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    frame = torch.from_numpy(sharp)[None]
    small = torch.nn.functional.interpolate(frame.permute(0, 3, 1, 2), (12, 12))
    blurred = torch.nn.functional.interpolate(small, (192, 192), mode="bicubic").permute(0, 2, 3, 1)
    assert quality(small_frames(frame)) == [(False, False)]
    assert quality(small_frames(blurred)) == [(True, False)]
    assert quality(small_frames(frame // 8)) == [(False, True)]
    assert quality(small_frames(torch.full((1, 64, 64, 3), 200, dtype=torch.uint8))) == [
        (False, False)
    ]


def test_a_family_is_named_if_its_classes_are_sure_together() -> None:
    names, families = ["tabby", "siamese", "pug", "car"], ["cat", "cat", "dog", ""]
    kinds = kinds_of(torch.tensor([0.35, 0.3, 0.25, 0.1]), names, families)
    assert [k.name for k in kinds] == ["tabby", "siamese", "pug", "cat"]
    assert kinds[-1].probability == pytest.approx(0.65)
    assert kinds_of(torch.full((4,), 0.1), names, families) == ()


class NoThings(NanoDet):
    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(len(pixels), 4, 80), torch.zeros(len(pixels), 4, 4)


def test_an_expert_that_is_switched_off_finds_nothing_and_denies_nothing() -> None:
    frames = torch.full((2, 40, 60, 3), 128, dtype=torch.uint8)
    off = Experts(None, None)(frames)
    assert off == [Findings(color="gray", middle_color="gray")] * 2
    on = Experts(Detector(NoThings()), None, lambda frames: [(Kind("cat", 0.5),), ()])(frames)
    assert on[0].things == on[1].things == ()
    assert on[0].kinds == (Kind("cat", 0.5),)
    assert on[1].kinds == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 2)])
def test_frames_of_any_size_are_looked_at(size: tuple[int, int]) -> None:
    frames = torch.full((2, *size, 3), 250, dtype=torch.uint8)
    assert [f.color for f in Experts(Detector(NoThings()), None)(frames)] == ["white", "white"]


def test_things_of_frames_that_do_not_differ_are_found_once() -> None:
    looked: list[int] = []

    def detector(frames: torch.Tensor) -> list[list[Thing]]:
        looked.append(len(frames))
        return [[Thing("cat", 0.9, (0.0, 0.0, float(f.max()) / 255, 1.0))] for f in frames]

    frames = torch.zeros(6, 48, 48, 3, dtype=torch.uint8)
    frames[4:, 10:14, 10:14] = 255
    found = Experts(detector, None)(frames)
    assert looked == [2]
    assert [f.things[0].box[2] for f in found if f.things] == [0, 0, 0, 0, 1, 1]


def test_the_detector_finds_in_a_batch_what_it_finds_in_single_frames() -> None:
    frames = torch.from_numpy(read_video(FOLDER / "moving-ball.mp4", num_frames=6).frames)
    together = Experts(load_detector(WEIGHTS), None)(frames)
    single = [Experts(load_detector(WEIGHTS), None)(frame[None])[0] for frame in frames]
    assert [f.things for f in together] == [f.things for f in single]


def test_what_the_reader_raises_is_raised_and_its_thread_keeps_no_program_alive() -> None:
    daemons: list[bool] = []

    def reader(frames: torch.Tensor) -> list[list]:
        daemons.append(threading.current_thread().daemon)
        raise ReaderMissingError("no reader")

    with pytest.raises(ReaderMissingError, match="no reader"):
        Experts(None, reader)(torch.zeros(1, 40, 40, 3, dtype=torch.uint8))
    assert daemons == [True]


def test_the_bright_end_is_the_quantile() -> None:
    gray = torch.rand(3, 1001, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_bright_end(gray), gray.quantile(0.97, dim=1))
    assert _bright_end(torch.tensor([[0.5]])).tolist() == [0.5]


def test_the_names_of_the_kinds_are_those_of_training() -> None:
    classes = imagenet_classes()
    assert class_names() == (
        tuple(kind.name for kind in classes),
        tuple(kind.family or "" for kind in classes),
    )
