"""The box around what a text means, in the right frame of a film."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.media_maker import write_video
from vlm.encoders import PRESETS, build_tower
from vlm.heads.folder import LoadedVideoText, tokens_of
from vlm.heads.text.side import TextSide
from vlm.heads.text.tower import text_config
from vlm.heads.video_text import VideoText
from vlm.heads.where import Box, box_around, box_at, can_locate
from vlm.media.decode import MediaReader


def loaded(*tasks: str, background: bool = True) -> LoadedVideoText:
    torch.manual_seed(0)
    text, config = text_config("siglip-test"), PRESETS["streamformer-test"].tower
    side = TextSide(text, tokens_of(text, None))
    model = VideoText(build_tower(config), side, tasks, background=background)
    return LoadedVideoText(model.eval(), config, 3)


def test_the_box_is_around_all_pixels() -> None:
    mask = torch.zeros(8, 10, dtype=torch.bool)
    assert box_around(mask) is None
    mask[2, 3] = mask[5, 8] = True
    assert box_around(mask) == Box(left=0.3, top=0.25, right=0.9, bottom=0.75)


def test_only_a_head_that_knows_the_background_locates() -> None:
    assert can_locate(loaded("grounding", "referring"))
    assert not can_locate(loaded("grounding", "referring", background=False))
    assert not can_locate(loaded("grounding"))


def test_the_box_is_that_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A white square of a quarter of the width moves to the right, a quarter each second."""
    frames = np.zeros((16, 32, 64, 3), np.uint8)
    for t in range(16):
        frames[t, 8:16, 16 * (t // 4) : 16 * (t // 4 + 1)] = 255
    write_video(tmp_path / "film.mp4", list(frames), fps=4)

    def bright(self: Any, clip: Tensor, texts: Any, T: int, size: Any, task: str) -> Tensor:
        assert task == "referring"
        return clip.mean(dim=2)[:, :, None]  # above 0: brighter than gray

    monkeypatch.setattr(VideoText, "features", lambda self, clip, times: clip)
    monkeypatch.setattr(VideoText, "mask_logits", bright)
    encoder = loaded("referring")
    with MediaReader() as reader:
        for second in (0.1, 1.5, 3.6):
            box = box_at(encoder, tmp_path / "film.mp4", second, 0.5, "a square", reader)
            assert box is not None
            left = int(second) / 4
            found = (box.left, box.top, box.right, box.bottom)
            assert found == pytest.approx((left, 0.25, left + 0.25, 0.5), abs=0.07)
