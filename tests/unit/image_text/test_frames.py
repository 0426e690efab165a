"""Frames without torchvision: the pixels of transformers' own video processors, and times."""

from typing import Any

import numpy as np
import pytest
import torch
from families import picture
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor

from vlm.image_text.prompt import frame_metadata
from vlm.image_text.video_frames import Qwen3Frames, QwenFrames, SquareFrames

SIDES = {"patch_size": 4, "merge_size": 2}
SIZE = {"shortest_edge": 256, "longest_edge": 4096}


def test_patches_stand_in_the_order_of_transformers() -> None:
    frames = torch.randn(5, 3, 16, 24)
    ours, grid = Qwen3Frames(SIDES).patches(frames)
    unbound: Any = Qwen3VLVideoProcessor.patchify
    theirs, *expected = unbound(None, frames[None], 4, 2, 2)
    assert grid == tuple(expected) == (3, 4, 6)
    assert torch.equal(ours, theirs[0])


def test_a_still_video_has_the_patches_of_its_picture() -> None:
    """A picture is repeated in time by transformers' image processor."""
    pixels = picture(32, 48)  # of a size that is not changed
    image = Qwen2VLImageProcessorPil(size=SIZE, **SIDES)([pixels], return_tensors="pt")
    video = QwenFrames({**SIDES, "size": SIZE})(np.stack([pixels, pixels]))
    assert video["video_grid_thw"].tolist() == image["image_grid_thw"].tolist()
    torch.testing.assert_close(video["pixel_values_videos"], image["pixel_values"])


@pytest.mark.parametrize("size", [(70, 100), (33, 200), (20, 20), (64, 64)])
def test_frames_are_resized_as_pictures_are(size: tuple[int, int]) -> None:
    pixels = picture(*size)
    image = Qwen2VLImageProcessorPil(size=SIZE, **SIDES)([pixels], return_tensors="pt")
    video = QwenFrames({**SIDES, "size": SIZE})(np.stack([pixels, pixels]))
    assert video["video_grid_thw"].tolist() == image["image_grid_thw"].tolist()
    # PIL and torch round differently, by one of 255 steps.
    step = 1.01 / 255 / 0.26
    torch.testing.assert_close(
        video["pixel_values_videos"], image["pixel_values"], atol=2 * step, rtol=0
    )


def test_many_frames_share_a_budget() -> None:
    few, many = (QwenFrames({})(np.zeros((n, 600, 800, 3), np.uint8)) for n in (2, 4))
    assert many["video_grid_thw"][0, 1:].tolist() == few["video_grid_thw"][0, 1:].tolist()
    rows, columns = Qwen3Frames({}).size(64, 600, 800)
    assert rows * columns < 600 * 800 / 2


def test_squares_have_the_size_of_the_tower() -> None:
    frames = SquareFrames({"size": {"height": 16, "width": 16}})
    found = frames([np.zeros((3, 20, 30, 3), np.uint8)])["pixel_values_videos"]
    assert found.shape == (1, 3, 3, 16, 16)
    with pytest.raises(ValueError, match="equal numbers of frames"):
        frames([np.zeros((3, 20, 30, 3), np.uint8), np.zeros((2, 20, 30, 3), np.uint8)])


def test_the_metadata_have_the_times_and_the_rate_of_the_frames() -> None:
    found = frame_metadata((0.25, 0.75, 1.25, 1.75))
    assert found["frames_indices"] == [250, 750, 1250, 1750]
    rate = len(found["frames_indices"]) / found["total_num_frames"] * found["fps"]
    assert rate == pytest.approx(2.0)
    assert frame_metadata((7.0,))["total_num_frames"] > 0
