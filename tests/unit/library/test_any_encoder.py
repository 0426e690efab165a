"""Any VideoEncoder can be the tower of an assistant: a tiny one that is no progressive tower."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.tiny import tiny_tokenizer
from vlm.config import PVCConfig
from vlm.conversation import Conversation, Message, Text, Video
from vlm.encoders import ENCODERS, build_tower
from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.encoders.config import TowerConfig
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor


class StripEncoder(VideoEncoder):
    """Means of horizontal strips, plus those of the whole clip: a grid of rows by one."""

    causal = False

    def __init__(self, dim: int, rows: int) -> None:
        super().__init__()
        self.dim = self.pooled_dim = dim
        self.rows = rows
        self.proj = nn.Linear(3, dim)

    @classmethod
    def from_config(cls, config: TowerConfig) -> "StripEncoder":
        return cls(**config.options)

    @classmethod
    def frame_grid(cls, config: TowerConfig) -> tuple[int, int]:
        return config.options["rows"], 1

    def token_grid(self, num_frames: int, height: int, width: int) -> tuple[int, int, int]:
        return num_frames, self.rows, 1

    def forward(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        times = self.even_times(clip) if times is None else times
        B, T = times.shape
        strips = torch.stack([s.mean(dim=(-2, -1)) for s in clip.chunk(self.rows, dim=-2)], dim=2)
        tokens = self.proj(strips).expand(B, T, -1, -1) * (1 + times[..., None, None])
        tokens = tokens + tokens.mean(dim=1, keepdim=True)  # each frame sees the whole clip
        return VideoFeatures(tokens, (self.rows, 1), tokens.mean(dim=(1, 2)))


TOWER: dict[str, Any] = {"encoder": "strips", "image_size": 30, "options": {"dim": 8, "rows": 3}}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> PVCForConditionalGeneration:
    monkeypatch.setitem(ENCODERS, "strips", StripEncoder)
    return build_model("test", tower=TOWER, compressor={"factor": 1})


def test_it_gives_its_own_number_of_tokens_a_look(model: PVCForConditionalGeneration) -> None:
    assert model.config.grid == (3, 1)
    assert model.config.tokens_per_look == 3
    assert "StripEncoder" in model._no_split_modules
    tokens = model.encode(torch.randn(3, 3, 30, 30), [2, 1], [2, 4], [0, 0.5, 0, 0.25, 0.5, 0.75])
    assert tokens.shape == (6 * 3, 16)


def test_a_clip_in_steps_equals_the_whole(model: PVCForConditionalGeneration) -> None:
    pixels, times = torch.randn(5, 3, 30, 30), [0.0, 0.2, 0.4, 0.6, 0.8]
    steps = list(model.encode_steps(pixels, 5, times, chunk=2))
    assert len(steps) == 1  # it is not incremental: the clip is one step
    assert torch.equal(torch.cat(steps), model.encode(pixels, [5], [5], times))


def test_it_is_trained_with_the_rest(model: PVCForConditionalGeneration) -> None:
    processor = PVCProcessor.from_config(model.config, tiny_tokenizer())
    clip = Video(np.zeros((4, 20, 20, 3), np.uint8), np.arange(4.0))
    turns = (Message("user", (clip, Text("What?"))), Message("assistant", (Text("Red."),)))
    inputs = processor(Conversation(turns))
    ids = inputs["input_ids"]
    model(**inputs, labels=ids).loss.backward()
    assert all(p.grad is not None for p in model.tower.parameters())


def test_a_saved_one_comes_back(model: PVCForConditionalGeneration, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    assert PVCConfig.from_pretrained(tmp_path).tower_config.options == TOWER["options"]
    again = PVCForConditionalGeneration.from_pretrained(tmp_path)
    pixels = torch.randn(1, 3, 30, 30)
    looks = ([1], [2], [0.0, 0.5])
    assert torch.equal(again.encode(pixels, *looks), model.encode(pixels, *looks))


def test_an_unknown_encoder_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match='no encoder "strips"; there are pvc'):
        build_tower(TowerConfig(encoder="strips"))
