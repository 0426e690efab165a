"""Adapters on one frozen image transformer: AIM, VPT, AdaptFormer, ST-Adapter, Pro-tuning."""

from dataclasses import replace

import pytest
import torch
from transformers import VideoMAEConfig, VideoMAEModel

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model, scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.layers.adapter import Adapter
from vlm.layers.attention import KeyBiasFreeAttention

GOLDEN = golden.read("adapters")
NAMES = sorted({name.rsplit(".", 1)[0] for name in GOLDEN})
ZERO_AT_FIRST = [name for name in NAMES if not name.startswith("vpt")]


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_formulae_written_out(name: str) -> None:
    tower = build_tower(PRESETS[name].tower).eval()
    golden.fill(tower)
    out = tower(golden.clip(2, 4, 16))
    torch.testing.assert_close(out.tokens, GOLDEN[f"{name}.tokens"], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, GOLDEN[f"{name}.pooled"], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ZERO_AT_FIRST)
def test_at_first_it_is_the_image_model_frame_by_frame(name: str) -> None:
    config = PRESETS[name].tower
    tower, image = build_tower(config).eval(), image_model(config)
    load_image_model(tower, image, config)
    clip = golden.clip(2, 4, 16)
    tokens, pooled = frame_features(image, clip)
    out = tower(clip)
    torch.testing.assert_close(out.tokens, tokens[:, :, 1:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.global_token, tokens[:, :, 0], atol=1e-5, rtol=1e-4)
    if not name.startswith("st-adapter"):  # there the norm follows the mean over frames
        torch.testing.assert_close(out.pooled, pooled.mean(1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("num_frames", [4, 5])
def test_on_videomae_it_is_at_first_videomae(num_frames: int) -> None:
    config = PRESETS["adaptformer-videomae-test"].tower
    theirs = scrambled(
        VideoMAEModel(
            VideoMAEConfig(
                image_size=16,
                patch_size=8,
                num_frames=6 if num_frames == 5 else 4,
                tubelet_size=2,
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                use_mean_pooling=True,
                layer_norm_eps=1e-6,
            )
        )
    )
    ours = build_tower(config).eval()
    state = {
        "stem.patch_embedding.weight": theirs.embeddings.patch_embeddings.projection.weight,
        "stem.patch_embedding.bias": theirs.embeddings.patch_embeddings.projection.bias,
    }
    for index, layer in enumerate(theirs.encoder.layer):
        attention, block = layer.attention.attention, f"blocks.{index}"
        parts = (attention.query, attention.key, attention.value)
        state[f"{block}.attn.qkv.weight"] = torch.cat([part.weight for part in parts])
        state[f"{block}.attn.q_bias"] = attention.query.bias
        state[f"{block}.attn.v_bias"] = attention.value.bias
        for ours_name, part in {
            "attn.proj": layer.attention.output.dense,
            "norm1": layer.layernorm_before,
            "norm2": layer.layernorm_after,
            "mlp.fc1": layer.intermediate.dense,
            "mlp.fc2": layer.output.dense,
        }.items():
            state[f"{block}.{ours_name}.weight"] = part.weight
            state[f"{block}.{ours_name}.bias"] = part.bias
    missing, unexpected = ours.load_state_dict(state, strict=False)
    assert not unexpected
    assert all("adapter" in name or name.startswith("norm") for name in missing)
    clip = golden.clip(1, num_frames, 16)
    even = torch.cat([clip, clip[:, -1:]], 1) if num_frames == 5 else clip
    expected = theirs(pixel_values=even).last_hidden_state
    out = ours(clip)
    assert out.tokens.shape[:2] == (1, (num_frames + 1) // 2)
    torch.testing.assert_close(out.tokens.flatten(1, 2), expected, atol=1e-5, rtol=1e-4)


def test_videomae_has_keys_without_bias_and_the_rest_with() -> None:
    tower = build_tower(PRESETS["adaptformer-videomae-test"].tower)
    assert all(isinstance(block.attn, KeyBiasFreeAttention) for block in tower.blocks)


@pytest.mark.parametrize("name", ["vpt-deep-test", "adaptformer-clip-test", "pro-tuning-test"])
def test_frame_by_frame_methods_cannot_see_the_order_of_frames(name: str) -> None:
    tower = scrambled(build_tower(PRESETS[name].tower))
    clip = golden.clip(1, 4, 16)
    torch.testing.assert_close(tower(clip).pooled, tower(clip.flip(1)).pooled, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["vpt-deep-test", "adaptformer-clip-test", "pro-tuning-test"])
def test_frame_by_frame_methods_can_look_again_at_the_last_frame(name: str) -> None:
    tower = scrambled(build_tower(PRESETS[name].tower))
    clip = golden.clip(1, 3, 16)
    times = tower.even_times(clip)
    first, cache = tower.step(clip, times)
    again, _ = tower.step(None, times[:, :2], cache)
    torch.testing.assert_close(again.tokens, first.tokens[:, [2, 2]])
    with pytest.raises(ValueError, match="another look needs the cache of a first one"):
        tower.step(None, times)


@pytest.mark.parametrize("name", ["aim-test", "st-adapter-test"])
def test_methods_with_time_see_the_order_of_frames(name: str) -> None:
    tower = build_tower(PRESETS[name].tower).eval()
    golden.fill(tower)
    clip = golden.clip(1, 4, 16)
    assert not torch.allclose(tower(clip).pooled, tower(clip.flip(1)).pooled, atol=1e-3)


def test_aim_takes_another_number_of_frames_than_the_trained_one() -> None:
    tower = build_tower(PRESETS["aim-test"].tower).eval()
    golden.fill(tower)
    assert tower(golden.clip(1, 6, 16)).tokens.shape == (1, 6, 4, 16)


def test_an_st_adapter_stands_somewhere() -> None:
    config = replace(PRESETS["st-adapter-test"].tower, options={"before": ["norm"]})
    with pytest.raises(ValueError, match=r"before \"attention\" or \"mlp\", not \['norm'\]"):
        build_tower(config)


def test_the_norm_of_the_papers_adaptformer_stands_in_front_of_down() -> None:
    adapter = Adapter(8, 2, activation="relu", norm=True)
    golden.fill(adapter)
    x = golden.pattern("x", (3, 8))
    expected = adapter.up(torch.relu(adapter.down(adapter.norm(x))))
    torch.testing.assert_close(adapter(x), expected)
