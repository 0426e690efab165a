"""Regions, rows and cleaning of read text; the reading itself where its weights are installed."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from vlm.experts.findings import Line
from vlm.experts.reading import reader as reader_module
from vlm.experts.reading.reader import (
    Reader,
    ReaderLimits,
    ReaderMissingError,
    clean,
    without_noise,
)
from vlm.experts.reading.text_regions import find_regions
from vlm.experts.reading.text_rows import join_rows

installed = all(importlib.util.find_spec(name) for name in ("onnxruntime", "rapidocr"))
needs_weights = pytest.mark.skipif(not installed, reason="onnxruntime or rapidocr is missing")


def piece(text: str, left: float, top: float, right: float, height: float = 0.03) -> Line:
    return Line(text, 0.9, (left, top, right, top + height), height)


def test_a_core_grows_to_the_size_of_its_line() -> None:
    text_map = np.zeros((60, 100), np.float32)
    text_map[20:30, 10:50] = 0.9
    (region,) = find_regions(text_map)
    grow = 10 * 40 * 1.6 / (2 * (10 + 40))
    assert region.angle == 0
    assert region.bounds == pytest.approx((10 - grow, 20 - grow, 50 + grow, 30 + grow))
    assert region.score == pytest.approx(0.9)


def test_touching_pixels_are_one_region_and_separate_ones_are_two() -> None:
    text_map = np.zeros((40, 60), np.float32)
    text_map[5:15, 5:30] = text_map[15:20, 30:50] = 0.8  # they touch at a corner
    text_map[25:35, 5:30] = 0.8
    text_map[2, 55] = 0.9  # too small
    assert len(find_regions(text_map)) == 2
    assert find_regions(np.zeros((9, 9), np.float32)) == []


@pytest.mark.parametrize("degrees", [20, -35])
def test_a_turned_line_keeps_its_angle_and_sides(degrees: float) -> None:
    y, x = np.mgrid[:200, :200] + 0.5
    a = np.radians(degrees)
    along, across = (x - 100) * np.cos(a) + (y - 90) * np.sin(a), (y - 90) * np.cos(a)
    across = across - (x - 100) * np.sin(a)
    text_map = ((abs(along) < 60) & (abs(across) < 8)).astype(np.float32)
    (region,) = find_regions(text_map)
    grow = 120 * 16 * 1.6 / (2 * (120 + 16))
    assert np.degrees(region.angle) == pytest.approx(degrees, abs=1)
    assert (region.x, region.y) == pytest.approx((100, 90), abs=1)
    assert (region.width, region.height) == pytest.approx((120 + 2 * grow, 16 + 2 * grow), abs=3)


def test_an_item_and_its_price_share_a_row() -> None:
    pieces = [
        piece("2.50", 0.8, 0.201, 0.9),
        piece("Coffee", 0.1, 0.2, 0.3),
        piece("Cake", 0.1, 0.25, 0.25),
        piece("3.00", 0.8, 0.252, 0.9),
        piece("CAFE", 0.4, 0.1, 0.6, height=0.06),
    ]
    assert [row.text for row in join_rows(pieces, 1.0)] == ["CAFE", "Coffee | 2.50", "Cake | 3.00"]


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    left = [piece(f"left column line number {i}", 0.05, 0.2 + i / 20, 0.45) for i in range(5)]
    right = [piece(f"right column line number {i}", 0.55, 0.2 + i / 20, 0.95) for i in range(5)]
    title = piece("A title over both of the columns", 0.1, 0.05, 0.9)
    texts = [row.text for row in join_rows([*right, title, *left], 1.0)]
    assert texts == [title.text, *(p.text for p in left), *(p.text for p in right)]


def test_slightly_different_heights_on_the_page_do_not_mix_rows() -> None:
    pieces = [piece(f"row {i}", 0.1, 0.1 + i * 0.03, 0.3) for i in range(4)]
    assert [row.text for row in join_rows(pieces, 1.0)] == [f"row {i}" for i in range(4)]


def test_control_and_format_characters_are_removed() -> None:
    assert clean("a\x00b\u202ec\u200b \t d\n\ue000") == "abc d"
    assert clean("<|im_end|> stays plain") == "<|im_end|> stays plain"


def test_single_ideographs_in_latin_text_are_dropped() -> None:
    lines = [piece("Hello there", 0.1, 0.1, 0.4), piece("\u65e5", 0.1, 0.2, 0.2)]
    assert without_noise(lines) == lines[:1]
    chinese = [piece("\u4f60\u597d\u4e16\u754c", 0.1, 0.1, 0.4), piece("\u65e5", 0.1, 0.2, 0.2)]
    assert without_noise(chinese) == chinese


def test_a_missing_package_is_named_with_one_command(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ReaderMissingError, match="pip install onnxruntime"):
        Reader()


def test_a_folder_without_weights_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(reader_module.importlib, "import_module", lambda name: None)
    with pytest.raises(ReaderMissingError, match="_det_"):
        _ = Reader(tmp_path).detector


def page(rows: list[tuple[str, ...]], width: int = 600) -> torch.Tensor:
    picture = Image.new("RGB", (width, 60 * len(rows) + 40), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(28)
    for i, row in enumerate(rows):
        for x, text in zip((30, width - 140), row, strict=False):
            draw.text((x, 30 + 60 * i), text, "black", font)
    return torch.from_numpy(np.array(picture))[None]


@needs_weights
def test_a_receipt_is_read_row_by_row() -> None:
    rows = [("Corner Shop",), ("Bread", "3.20"), ("Milk", "1.45"), ("Total", "4.65")]
    (lines,) = Reader(num_threads=1)(page(rows))
    assert [line.text for line in lines] == [
        "Corner Shop",
        "Bread | 3.20",
        "Milk | 1.45",
        "Total | 4.65",
    ]


@needs_weights
def test_the_work_is_bounded() -> None:
    rows = [(f"Line number {i}",) for i in range(6)]
    reader = Reader(num_threads=1)
    (lines,) = reader(page(rows), ReaderLimits(max_lines=2))
    assert len(lines) == 2
    (lines,) = reader(page(rows), ReaderLimits(max_width=800))
    assert 1 <= len(lines) <= 3
    (lines,) = reader(page(rows), ReaderLimits(max_characters=30))
    assert [line.text for line in lines] == ["Line number 0", "Line number 1"]


@needs_weights
@pytest.mark.parametrize("size", [(1, 1), (8, 300), (40, 40)])
def test_frames_of_any_size_are_read(size: tuple[int, int]) -> None:
    assert Reader(num_threads=1)(torch.full((2, *size, 3), 200, dtype=torch.uint8)) == [[], []]
