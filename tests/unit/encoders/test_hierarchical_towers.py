"""Encoders that stride time as the tower of an assistant."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import golden
from tests.tiny import tiny_tokenizer
from vlm.conversation import Conversation, Message, Text, Video
from vlm.encoders import PRESETS
from vlm.model import PVCForConditionalGeneration
from vlm.presets import build_model
from vlm.processor import PVCProcessor

OURS = ("i3d", "mvit", "nonlocal", "r2plus1d", "slowfast", "video-swin")
TINY = [name for name in PRESETS if name.startswith(OURS) and name.endswith("-test")]


@pytest.mark.parametrize("name", ["r2plus1d-test", "mvit-v2-test"])
def test_in_an_assistant_each_look_gets_the_tokens_of_its_part_of_the_clip(name: str) -> None:
    config = replace(PRESETS[name].tower, image_size=32)
    model = build_model("test", tower=asdict(config), compressor={"factor": 1}).eval()
    times = [0.0, 0.25, 0.5, 0.75]
    tokens = model.encode(torch.randn(4, 3, 32, 32), [4], [4], times).unflatten(0, (4, -1))
    stride = 4 // model.tower.token_grid(4, 32, 32)[0]
    assert stride > 1
    assert tokens.shape[1] == model.config.tokens_per_look
    features = model.tower(torch.randn(1, 4, 3, 32, 32)).for_looks(4).tokens[0]
    assert torch.equal(features[0], features[stride - 1])
    assert not torch.equal(features[0], features[stride])


def test_an_assistant_with_such_a_tower_is_saved_and_comes_back(tmp_path: Path) -> None:
    config = PRESETS["r2plus1d-test"].tower
    model = build_model("test", tower=asdict(config), compressor={"factor": 1}).eval()
    with torch.no_grad():
        golden.fill(model.tower)
    model.save_pretrained(tmp_path)
    again = PVCForConditionalGeneration.from_pretrained(tmp_path).eval()
    looks = (torch.randn(4, 3, 32, 32), [4], [4], [0.0, 0.25, 0.5, 0.75])
    assert torch.equal(again.encode(*looks), model.encode(*looks))


@pytest.mark.parametrize("name", TINY)
def test_it_is_trained_as_the_tower_of_an_assistant(name: str) -> None:
    config = PRESETS[name].tower
    model = build_model("test", tower=asdict(config), compressor={"factor": 1}).train()
    processor = PVCProcessor.from_config(model.config, tiny_tokenizer())
    clip = Video(np.zeros((4, 20, 20, 3), np.uint8), np.arange(4.0))
    turns = (Message("user", (clip, Text("What?"))), Message("assistant", (Text("Red."),)))
    inputs = processor(Conversation(turns))
    model(**inputs, labels=inputs["input_ids"]).loss.backward()
    assert all(p.grad is not None for p in model.tower.parameters())
