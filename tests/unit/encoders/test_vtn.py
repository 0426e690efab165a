"""VTN: transformers' Longformer over the features of frames."""

from dataclasses import replace

import pytest
import torch
from transformers import LongformerConfig, LongformerModel

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model, scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.config import BackboneConfig
from vlm.encoders.vtn import VTN
from vlm.layers.longformer import WindowAttention


def longformer(window: int) -> LongformerModel:
    config = LongformerConfig(
        attention_window=[window] * 2,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=10,
        type_vocab_size=2,
        vocab_size=3,
        pad_token_id=2,
        layer_norm_eps=1e-12,
    )
    return scrambled(LongformerModel(config, add_pooling_layer=False))


def load_longformer(tower: VTN, theirs: LongformerModel) -> None:
    embeddings = theirs.embeddings
    tower.positions.load_state_dict(embeddings.position_embeddings.state_dict())
    tower.types.load_state_dict(embeddings.token_type_embeddings.state_dict())
    tower.time_norm.load_state_dict(embeddings.LayerNorm.state_dict())
    for ours, layer in zip(tower.layers, theirs.encoder.layer, strict=True):
        attention = layer.attention.self
        for target, suffix in ((ours.attn.qkv, ""), (ours.attn.global_qkv, "_global")):
            parts = [getattr(attention, f"{n}{suffix}") for n in ("query", "key", "value")]
            target.weight.data = torch.cat([part.weight for part in parts])
            target.bias.data = torch.cat([part.bias for part in parts])
        ours.attn.proj.load_state_dict(layer.attention.output.dense.state_dict())
        ours.norm1.load_state_dict(layer.attention.output.LayerNorm.state_dict())
        ours.mlp.fc1.load_state_dict(layer.intermediate.dense.state_dict())
        ours.mlp.fc2.load_state_dict(layer.output.dense.state_dict())
        ours.norm2.load_state_dict(layer.output.LayerNorm.state_dict())


@pytest.mark.parametrize("window", [4, 6])
@pytest.mark.parametrize("num_frames", [5, 11])
def test_it_equals_transformers_on_clips_features(window: int, num_frames: int) -> None:
    preset = PRESETS["vtn-test"].tower
    options = {**preset.options, "window": window}
    config = replace(preset, backbone=BackboneConfig("clip", 8, 2), options=options)
    tower, image = build_tower(config).eval(), image_model(config)
    assert isinstance(tower, VTN)
    load_image_model(tower, image, config)
    theirs = longformer(window)
    load_longformer(tower, theirs)
    clip = golden.clip(2, num_frames, 16)
    _, frames = frame_features(image, clip)
    index = torch.arange(num_frames) % 8
    ids = torch.cat([torch.tensor([8]), index])[None].expand(2, -1)
    first = torch.zeros(2, 1 + num_frames, dtype=torch.long)
    first[:, 0] = 1
    expected = theirs(
        inputs_embeds=torch.cat([tower.cls.expand(2, -1, -1), frames], 1),
        position_ids=ids,
        token_type_ids=first,
        attention_mask=torch.ones_like(first),
        global_attention_mask=first,
    ).last_hidden_state
    out = tower(clip)
    torch.testing.assert_close(out.pooled, expected[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out.tokens[:, :, 0], expected[:, 1:], atol=1e-4, rtol=1e-4)


def test_a_window_ends() -> None:
    attention = scrambled(WindowAttention(16, 2, window=4))
    x = torch.randn(1, 1 + 9, 16)
    far = x.clone()
    far[:, 1 + 7] += 1
    a, b = attention(x), attention(far)
    changed = [(a[0, 1 + t] != b[0, 1 + t]).any().item() for t in range(9)]
    assert changed == [False] * 5 + [True] * 4


def test_one_sided_windows_look_at_nothing_later() -> None:
    tower = scrambled(build_tower(PRESETS["vtn-causal-test"].tower))
    clip = golden.clip(1, 6, 16)
    whole, part = tower(clip).tokens[:, :3], tower(clip[:, :3]).tokens
    torch.testing.assert_close(whole, part, atol=1e-5, rtol=1e-4)


def test_without_positions_only_windows_know_the_order() -> None:
    config = PRESETS["vtn-none-test"].tower
    clip = golden.clip(1, 4, 16)
    for window, same in ((8, True), (2, False)):  # 8: every frame sees all four
        options = {**config.options, "window": window}
        tower = scrambled(build_tower(replace(config, options=options)))
        swapped = tower(clip[:, [1, 0, 3, 2]]).pooled
        assert torch.allclose(tower(clip).pooled, swapped, atol=1e-5) == same


def test_positions_are_those_of_the_frames_in_their_video() -> None:
    config = PRESETS["vtn-test"].tower
    tower = build_tower(replace(config, options={**config.options, "frame_stride": 3}))
    assert isinstance(tower, VTN)
    table = tower.positions.weight
    expected = table[[8, 0, 3, 6, 1]] + tower.types.weight[[1, 0, 0, 0, 0]]
    assert torch.equal(tower.place(4), expected)


def test_an_odd_window_is_refused() -> None:
    with pytest.raises(ValueError, match="a window of 3 be even"):
        WindowAttention(16, 2, window=3)
