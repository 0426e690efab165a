"""Any VideoEncoder can be the tower of an assistant: a tiny one that is no progressive tower."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.strip_encoder import TOWER, StripEncoder
from tests.tiny import tiny_tokenizer
from vlm.config import PVCConfig
from vlm.conversation import Conversation, Message, Text, Video
from vlm.encoders import ENCODERS, build_tower
from vlm.encoders.config import TowerConfig
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor


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
