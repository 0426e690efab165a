"""StreamFormer: equal to its formulae, to SigLIP at first, and streamed = whole at any length."""

from dataclasses import replace

import pytest
import torch

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.streamformer import StreamFormer
from vlm.layers.lora import LoRALinear

NAMES = ["streamformer-test", "streamformer-clamp-test", "streamformer-stretch-test"]
STREAMING = NAMES[:2]


def filled(name: str) -> StreamFormer:
    tower = build_tower(PRESETS[name].tower).eval()
    golden.fill(tower)
    assert isinstance(tower, StreamFormer)
    return tower


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_formulae_written_out(name: str) -> None:
    out, expected = filled(name)(golden.clip(1, 5, 16)), golden.read("streamformer")
    torch.testing.assert_close(out.tokens, expected[f"{name}.tokens"], atol=2e-5, rtol=1e-4)
    frames = expected[f"{name}.frames"]
    torch.testing.assert_close(out.global_token, frames, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, frames[:, -1], atol=2e-5, rtol=1e-4)


def test_with_its_gates_closed_it_is_siglip_frame_by_frame() -> None:
    config = PRESETS["streamformer-test"].tower
    tower, image = build_tower(config).eval(), image_model(config)
    load_image_model(tower, image, config)
    with torch.no_grad():
        tower.time.zero_()
        head = image.get_submodule("head")
        tower.head.probe.copy_(head.probe)
        tower.head.attn.qkv.weight.copy_(head.attention.in_proj_weight)
        tower.head.attn.qkv.bias.copy_(head.attention.in_proj_bias)
    tower.head.attn.proj.load_state_dict(head.attention.out_proj.state_dict())
    tower.head.norm.load_state_dict(head.layernorm.state_dict())
    tower.head.mlp.load_state_dict(head.mlp.state_dict())
    clip = golden.clip(2, 4, 16)
    tokens, pooled = frame_features(image, clip)
    out = tower(clip)
    torch.testing.assert_close(out.tokens, tokens, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.global_token, pooled, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize("parts", [[1] * 8, [2, 1, 5], [8], [5, 3]])
def test_a_stream_longer_than_its_table_of_times_equals_the_whole(
    name: str, parts: list[int]
) -> None:
    tower, clip = filled(name), golden.clip(2, 8, 16)  # the table has three entries
    whole, times = tower(clip), tower.even_times(clip)
    cache, start, tokens, frames = None, 0, [], []
    for size in parts:
        piece = slice(start, start + size)
        features, cache = tower.step(clip[:, piece], times[:, piece], cache)
        tokens.append(features.tokens)
        frames.append(features.global_token)
        start += size
    torch.testing.assert_close(torch.cat(tokens, 1), whole.tokens, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.cat(frames, 1), whole.global_token, atol=1e-5, rtol=1e-4)


def test_with_a_window_the_memory_of_a_stream_stays_constant() -> None:
    tower = filled("streamformer-test")
    frame, cache = golden.clip(1, 1, 16), None
    lengths = []
    for _ in range(6):
        _, cache = tower.step(frame, torch.zeros(1, 1), cache)
        lengths.append(len(cache.layers[0]))
    assert lengths == [1, 2, 2, 2, 2, 2]  # a window of three: this frame and two before


def test_stretched_times_make_a_frame_depend_on_the_length_of_its_clip() -> None:
    tower, clip = filled("streamformer-stretch-test"), golden.clip(1, 6, 16)
    assert not tower.causal
    assert not tower.incremental
    short = tower(clip[:, :2]).tokens
    assert not torch.allclose(tower(clip).tokens[:, :2], short, atol=1e-3)


def test_for_a_clip_no_longer_than_the_table_all_rules_are_equal() -> None:
    for T in (2, 3):
        clip = golden.clip(1, T, 16)
        a, b = (filled(name)(clip).tokens for name in NAMES[1:])
        assert torch.equal(a, b)


def test_another_look_equals_the_same_frame_again() -> None:
    tower, clip = filled("streamformer-test"), golden.clip(1, 2, 16)
    times = tower.even_times(clip)
    _, cache = tower.step(clip, times)
    again, _ = tower.step(None, times[:, :1], cache)
    expected, _ = tower.step(clip[:, -1:], times[:, :1], cache)
    assert torch.equal(again.tokens, expected.tokens)
    with pytest.raises(ValueError, match="another look needs the cache of a first one"):
        tower.step(None, times)


def test_merged_lora_gives_the_same_layer() -> None:
    layer = LoRALinear(8, 6, rank=2)
    golden.fill(layer)
    x = golden.pattern("x", (3, 8))
    torch.testing.assert_close(layer.merged()(x), layer(x))


def test_an_unknown_rule_is_answered_with_the_known_ones() -> None:
    config = replace(PRESETS["streamformer-test"].tower, options={"time_rule": "wrap"})
    with pytest.raises(ValueError, match='no time_rule "wrap"; there are modulo, clamp, stretch'):
        build_tower(config)
