"""Sampling and tiling against the published rules, reimplemented here independently."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vlm.media.sampling import segment_indices, segment_times
from vlm.media.squares import choose_grid, resize_frames, tile_image


def published_indices(
    num_frames: int, num_segments: int, fps: float = 1.0, bound: tuple[float, float] | None = None
) -> list[int]:
    start, end = bound if bound else (-100000, 100000)
    first = max(0, round(start * fps))
    last = min(round(end * fps), num_frames - 1)
    step = float(last - first) / num_segments
    return [int(first + (step / 2) + np.round(step * k)) for k in range(num_segments)]


def published_grid(width: int, height: int, max_tiles: int, size: int, min_tiles: int = 1):
    ratios = {
        (i, j)
        for n in range(min_tiles, max_tiles + 1)
        for i in range(1, n + 1)
        for j in range(1, n + 1)
        if min_tiles <= i * j <= max_tiles
    }
    best, best_difference = (1, 1), float("inf")
    for ratio in sorted(ratios, key=lambda r: r[0] * r[1]):
        difference = abs(width / height - ratio[0] / ratio[1])
        if difference < best_difference:
            best, best_difference = ratio, difference
        elif difference == best_difference and (
            width * height > 0.5 * size * size * ratio[0] * ratio[1]
        ):
            best = ratio
    return best


def test_segment_indices_equal_the_published_rule_for_every_length_and_count():
    for num_frames in range(1, 200):
        for num_segments in (1, 2, 3, 4, 7, 8, 16, 32, 96):
            ours = segment_indices(num_frames, num_segments)
            assert ours == published_indices(num_frames, num_segments)
            assert all(0 <= index < num_frames for index in ours)


@pytest.mark.parametrize("fps", [1.0, 23.976, 25.0, 29.97, 60.0])
def test_segment_indices_within_a_bound_equal_the_published_rule(fps):
    for bound in [(0.0, 3.0), (1.5, 4.5), (2.25, 2.75), (10.0, 1e6)]:
        ours = segment_indices(900, 16, fps, bound)
        assert ours == published_indices(900, 16, fps, bound)


def test_segment_indices_round_halves_to_even():
    # 6 frames in 2 segments: a step of 2.5, whose rounding is 2, not 3.
    assert segment_indices(6, 2) == [int(0 + 1.25 + 0), int(0 + 1.25 + 2)]
    # 4 segments of 16 frames, a step of 3.75: 0, 4, 8 (7.5), 11
    assert segment_indices(16, 4) == [1, 5, 9, 12]


def test_a_bound_without_a_rate_or_without_frames_is_refused():
    with pytest.raises(ValueError, match="frame rate"):
        segment_indices(10, 2, bound=(0, 1))
    with pytest.raises(ValueError, match="no frame lies between"):
        segment_indices(10, 2, fps=1.0, bound=(50, 60))


def test_segment_times_are_middles_and_hit_every_frame_of_a_constant_rate_video_once():
    assert segment_times(8.0, 4) == [1.0, 3.0, 5.0, 7.0]
    assert segment_times(8.0, 2, start=4.0) == [5.0, 7.0]
    assert segment_times(8.0, 2, end=100.0) == [2.0, 6.0]
    for num_frames in (1, 2, 30, 301):
        times = segment_times(num_frames / 29.97, num_frames)
        assert [int(time * 29.97) for time in times] == list(range(num_frames))
    with pytest.raises(ValueError, match="no time lies between"):
        segment_times(8.0, 2, start=9.0)


def test_grids_equal_the_published_rule_for_thousands_of_sizes():
    random = np.random.default_rng(0)
    sizes = random.integers(1, 5000, (1500, 2)).tolist()
    for width, height in sizes:
        for max_tiles in (1, 6, 12, 24):
            expected = published_grid(width, height, max_tiles, 448)
            assert choose_grid(width, height, max_tiles, 448) == expected


def test_grids_equal_the_published_rule_at_every_tie():
    """Sizes with the aspect ratio of one grid or halfway between two; small, medium, large."""
    ties = [(a, b) for a in range(1, 13) for b in range(1, 13)]
    ties += [(a * d + c * b, 2 * b * d) for a, b in ties[::5] for c, d in ties[::7]]
    for a, b in ties:
        for scale in (1, 37, 317, 448, 634, 897):
            for max_tiles in (6, 12):
                expected = published_grid(a * scale, b * scale, max_tiles, 448)
                assert choose_grid(a * scale, b * scale, max_tiles, 448) == expected


def test_a_picture_of_one_tile_stays_one_tile_and_a_larger_square_takes_more():
    assert choose_grid(448, 448, 12, 448) == (1, 1)
    assert choose_grid(634, 634, 12, 448) == (2, 2)  # more than half of four tiles
    assert choose_grid(633, 633, 12, 448) == (1, 1)
    assert choose_grid(1345, 1345, 12, 448) == (3, 3)


def test_tiles_are_cut_row_by_row_and_the_thumbnail_is_last():
    pixels = np.zeros((64, 96, 3), np.uint8)
    for row in range(2):
        for column in range(3):
            pixels[row * 32 : (row + 1) * 32, column * 32 : (column + 1) * 32] = 40 * (
                row * 3 + column
            )
    tiles = tile_image(pixels, max_tiles=6, tile_size=32)
    assert tiles.shape == (7, 32, 32, 3)
    assert [int(tile[16, 16, 0]) for tile in tiles[:6]] == [0, 40, 80, 120, 160, 200]
    small = np.asarray(Image.fromarray(pixels).resize((32, 32)))
    assert np.array_equal(tiles[6], small)


def test_tiles_equal_the_published_crops():
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (150, 333, 3), dtype=np.uint8)
    image, size = Image.fromarray(pixels), 64
    columns, rows = published_grid(333, 150, 12, size)
    resized = image.resize((size * columns, size * rows))
    crops = [
        resized.crop(
            (
                (i % columns) * size,
                (i // columns) * size,
                (i % columns + 1) * size,
                (i // columns + 1) * size,
            )
        )
        for i in range(columns * rows)
    ]
    ours = tile_image(pixels, max_tiles=12, tile_size=size)
    assert np.array_equal(ours, np.stack([*crops, image.resize((size, size))]))
    assert len(tile_image(pixels, 12, size, thumbnail=False)) == columns * rows
    assert len(tile_image(pixels[:64, :64], 1, size)) == 1  # one tile needs no thumbnail


def test_resized_frames_equal_pillow():
    frames = np.random.default_rng(2).integers(0, 256, (3, 40, 70, 3), dtype=np.uint8)
    ours = resize_frames(frames, 32)
    theirs = [np.asarray(Image.fromarray(frame).resize((32, 32), 3)) for frame in frames]
    assert np.array_equal(ours, np.stack(theirs))
    assert resize_frames(ours, 32) is ours
    with pytest.raises(ValueError, match="expected uint8"):
        resize_frames(frames.astype(float), 32)
