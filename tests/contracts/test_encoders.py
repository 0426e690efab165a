"""Every encoder keeps the contract of vlm/encoders/base.py."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny import tiny_tokenizer
from vlm import encoders
from vlm.config import PVCConfig
from vlm.conversation import Video
from vlm.encoders import ENCODERS, build_tower, encoder_class, frame_grid
from vlm.encoders.backbones import BACKBONES, backbone_class
from vlm.encoders.base import VideoEncoder
from vlm.encoders.config import BackboneConfig, BlockConfig, TemporalConfig, TowerConfig
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.presets import PRESETS
from vlm.processor import PVCProcessor
from vlm.timesteps import even_timesteps
from vlm.weights.io.files import read_safetensors, write_safetensors

BLOCK = BlockConfig(dim=16, num_heads=2, mlp_dim=32)
TEMPORAL = TemporalConfig(num_layers=2, num_heads=2, alpha=0.5)


def pvc(name: str = "vit", temporal: TemporalConfig = TEMPORAL, **changes: Any) -> TowerConfig:
    """A progressive tower on one of the BACKBONES, small enough for a test."""
    backbone = BackboneConfig(name, patch_size=8, depth=1, num_classes=10)
    block = replace(BLOCK, **changes)
    stride = BACKBONES[name].stride_of(TowerConfig(image_size=32, backbone=backbone))
    return TowerConfig(
        image_size=max(32, 2 * stride), block=block, backbone=backbone, temporal=temporal
    )


# At least one of each encoder and of each backbone; an encoder's file has its tiny presets.
TOWERS = {
    **{f"pvc-{name}": pvc(name) for name in BACKBONES},
    "pvc-vit-without-cls": pvc(temporal=replace(TEMPORAL, cls=False)),
    "pvc-vit-without-layer-scale": pvc(layer_scale=None),
    "vit-without-time": pvc(temporal=replace(TEMPORAL, num_layers=0)),
    **{name: p.tower for name, p in encoders.PRESETS.items() if name.endswith("-test")},
}


def test_every_encoder_is_under_contract() -> None:
    assert {config.encoder for config in TOWERS.values()} == ENCODERS.keys()


@pytest.mark.parametrize("lookup", [backbone_class, encoder_class])
def test_an_unknown_name_is_answered_with_the_known_ones(lookup: Any) -> None:
    with pytest.raises(ValueError, match=r'no \w+ "pvc2"; there are (vit, clip|pvc)'):
        lookup("pvc2")


@pytest.fixture(params=TOWERS)
def config(request: pytest.FixtureRequest) -> TowerConfig:
    return TOWERS[request.param]


@pytest.fixture
def tower(config: TowerConfig) -> VideoEncoder:
    torch.manual_seed(0)
    built = build_tower(config).eval()
    with torch.no_grad():  # AdaLN starts independent of time; make it depend on it
        for parameter in getattr(built, "blocks", built).parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


@pytest.fixture
def progressive_tower(tower: VideoEncoder) -> ProgressiveEncoder:
    if not isinstance(tower, ProgressiveEncoder):
        pytest.skip("only a progressive tower has a backbone and a cache")
    return tower


def clip_for(config: TowerConfig, num_clips: int = 2, num_frames: int = 4) -> torch.Tensor:
    return torch.randn(num_clips, num_frames, 3, config.image_size, config.image_size)


def test_shapes_equal_the_announced_ones(config: TowerConfig, tower: VideoEncoder) -> None:
    clip = clip_for(config)
    features = tower(clip)
    T, H, W = tower.token_grid(clip.shape[1], *clip.shape[-2:])
    assert features.tokens.shape == (2, T, H * W, tower.dim)
    assert features.grid == (H, W) == frame_grid(config)
    assert features.pooled.shape == (2, tower.pooled_dim)


def test_a_clip_does_not_depend_on_others_in_the_batch(
    config: TowerConfig, tower: VideoEncoder
) -> None:
    clip = clip_for(config)
    batched, alone = tower(clip).tokens[:1], tower(clip[:1]).tokens
    torch.testing.assert_close(batched, alone, atol=1e-5, rtol=1e-4)


def test_a_frame_does_not_depend_on_the_future(config: TowerConfig, tower: VideoEncoder) -> None:
    if not tower.causal:
        pytest.skip("not a causal encoder")
    clip = clip_for(config)
    times = even_timesteps(2, 4, clip.device)
    whole = tower(clip, times).tokens[:, :2]
    torch.testing.assert_close(whole, tower(clip[:, :2], times[:, :2]).tokens, atol=1e-5, rtol=1e-4)


def test_frames_one_by_one_equal_the_whole(config: TowerConfig, tower: VideoEncoder) -> None:
    if not tower.incremental:
        pytest.skip("it takes the whole clip at once")
    clip = clip_for(config)
    times = even_timesteps(2, 4, clip.device)
    whole = tower(clip, times).tokens
    cache, parts = None, []
    for start, end in ((0, 1), (1, 3), (3, 4)):
        features, cache = tower.step(clip[:, start:end], times[:, start:end], cache)
        parts.append(features.tokens)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-4)


def test_a_still_picture_equals_the_same_frame_repeated(
    config: TowerConfig, tower: VideoEncoder
) -> None:
    picture = clip_for(config, num_frames=1)
    times = even_timesteps(2, 4, picture.device)
    once = tower(picture, times)
    repeated = tower(picture.expand(-1, 4, -1, -1, -1).contiguous(), times)
    torch.testing.assert_close(once.tokens, repeated.tokens, atol=1e-5, rtol=1e-4)


def test_another_look_needs_no_pixels_and_runs_no_backbone(
    config: TowerConfig, progressive_tower: ProgressiveEncoder
) -> None:
    tower = progressive_tower
    picture = clip_for(config, num_frames=1)
    times = even_timesteps(2, 4, picture.device)
    whole = tower(picture, times).tokens
    calls = []
    tower.backbone.register_forward_hook(lambda *_: calls.append(1))
    features, cache = tower.step(picture, times[:, :3])
    again, _ = tower.step(None, times[:, 3:], cache)
    assert len(calls) == 1
    torch.testing.assert_close(again.tokens, whole[:, 3:], atol=1e-5, rtol=1e-4)
    same = torch.allclose(again.tokens, features.tokens[:, -1:], atol=1e-3)
    assert same == (len(tower.blocks) == 0)  # only time makes looks differ


def test_the_backbone_runs_once_for_all_looks(
    config: TowerConfig, progressive_tower: ProgressiveEncoder
) -> None:
    tower = progressive_tower
    seen = []
    tower.backbone.register_forward_hook(lambda _m, args, _o: seen.append(len(args[0])))
    tower(clip_for(config, 1, 1), even_timesteps(1, 4, torch.device("cpu")))
    assert seen == [1]


def test_a_gradient_reaches_every_trainable_parameter_and_no_other(
    config: TowerConfig, tower: VideoEncoder
) -> None:
    features = tower(clip_for(config))
    loss = features.tokens.square().mean() + features.pooled.square().mean()
    if features.global_token is not None:
        loss = loss + features.global_token.square().mean()
    for output in features.extra.values():
        loss = loss + output.square().mean()
    loss.backward()
    wrong = [n for n, p in tower.named_parameters() if (p.grad is None) == p.requires_grad]
    assert not wrong


def test_a_frozen_backbone_stays_bit_equal_after_a_step(
    config: TowerConfig, progressive_tower: ProgressiveEncoder
) -> None:
    tower = progressive_tower
    tower.backbone.requires_grad_(False)
    before = {name: p.clone() for name, p in tower.backbone.named_parameters()}
    head = torch.nn.Linear(tower.dim, 1)
    moving = [p for p in tower.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([*moving, *head.parameters()], lr=0.1)
    head(tower(clip_for(config)).tokens).square().mean().backward()
    optimizer.step()
    assert all(torch.equal(before[name], p) for name, p in tower.backbone.named_parameters())


def test_frozen_parameters_stay_bit_equal_after_a_step(
    config: TowerConfig, tower: VideoEncoder
) -> None:
    frozen = {name: p.clone() for name, p in tower.named_parameters() if not p.requires_grad}
    moving = [p for p in tower.parameters() if p.requires_grad]
    before = [p.clone() for p in moving]
    optimizer = torch.optim.AdamW(moving, lr=0.1)
    features = tower(clip_for(config))
    (features.tokens.square().mean() + features.pooled.square().mean()).backward()
    optimizer.step()
    after = dict(tower.named_parameters())
    assert all(torch.equal(after[name], p) for name, p in frozen.items())
    assert not all(torch.equal(a, b) for a, b in zip(moving, before, strict=True))


def test_a_saved_one_comes_back(config: TowerConfig, tower: VideoEncoder, tmp_path: Path) -> None:
    path = tmp_path / "tower.safetensors"
    write_safetensors(dict(tower.state_dict()), path)
    again = build_tower(TowerConfig(**json.loads(json.dumps(asdict(config))))).eval()
    again.load_state_dict(read_safetensors(path))
    clip = clip_for(config)
    assert torch.equal(again(clip).tokens, tower(clip).tokens)
    assert torch.equal(again(clip).pooled, tower(clip).pooled)


def test_bfloat16_runs(config: TowerConfig, tower: VideoEncoder) -> None:
    tokens = tower.bfloat16()(clip_for(config).bfloat16()).tokens
    assert tokens.dtype == torch.bfloat16
    assert tokens.isfinite().all()


def test_frames_and_times_must_agree(config: TowerConfig, tower: VideoEncoder) -> None:
    with pytest.raises(ValueError, match="3 frames were given with 4 times"):
        tower(clip_for(config, 1, 3), even_timesteps(1, 4, torch.device("cpu")))


@pytest.mark.parametrize(("form", "scale"), [("t/T", 1.0), ("t/T", 1000.0), ("t/(T-1)", 16.0)])
def test_without_times_a_clip_gets_those_of_the_processor(form: str, scale: float) -> None:
    torch.manual_seed(0)
    config = replace(pvc(), timestep_form=form, timestep_scale=scale)
    tower = build_tower(config).eval()
    with torch.no_grad():
        for parameter in tower.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model_config = PVCConfig(
        tower=asdict(config), compressor={"factor": 2}, text_config=PRESETS["test"]["text_config"]
    )
    processor = PVCProcessor.from_config(model_config, tiny_tokenizer())
    video = Video(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4.0))
    clip = torch.randn(1, 4, 3, 32, 32)
    (looks,) = processor.prepare(video).clips
    times = torch.tensor([looks.timesteps])
    assert torch.equal(tower.even_times(clip), times)
    assert torch.equal(tower(clip).tokens, tower(clip, times).tokens)
