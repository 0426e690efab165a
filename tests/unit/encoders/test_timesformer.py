"""TimeSformer: transformers' for three schemes, written-out formulae for the other two."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import TimesformerConfig, TimesformerModel

from tests import golden
from tests.image_models import frame_features, image_model, load_image_model, scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.config import BackboneConfig
from vlm.encoders.timesformer import SCHEMES
from vlm.layers.regroup import GROUPINGS, grouping

THEIRS = {"divided": "divided_space_time", "joint": "joint_space_time", "space": "space_only"}


def their_weights(model: TimesformerModel) -> dict[str, Tensor]:
    """The tensors of transformers' TimeSformer under our names."""
    names = {
        "embeddings.cls_token": "stem.class_embedding",
        "embeddings.position_embeddings": "stem.position_embedding",
        "embeddings.patch_embeddings.projection": "stem.patch_embedding",
        "embeddings.time_embeddings": "time",
        "encoder.layer": "blocks",
        "temporal_attention.attention.qkv": "first.0.attn.qkv",
        "temporal_attention.output.dense": "first.0.attn.proj",
        "temporal_dense": "first.0.out",
        "temporal_layernorm": "first.0.norm",
        "attention.attention.qkv": "attn.qkv",
        "attention.output.dense": "attn.proj",
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
        "intermediate.dense": "mlp.fc1",
        "output.dense": "mlp.fc2",
        "layernorm": "norm",
    }
    out = {}
    for name, tensor in model.state_dict().items():
        for theirs, ours in names.items():
            name = name.replace(theirs, ours)
        out[name] = tensor
    return out


@pytest.mark.parametrize("scheme", THEIRS)
def test_it_equals_transformers(scheme: str) -> None:
    theirs = scrambled(
        TimesformerModel(
            TimesformerConfig(
                image_size=16,
                patch_size=8,
                num_frames=4,
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                attention_type=THEIRS[scheme],
                layer_norm_eps=1e-6,
            )
        )
    )
    ours = build_tower(PRESETS[f"timesformer-{scheme}-test"].tower).eval()
    ours.load_state_dict(their_weights(theirs))
    clip = golden.clip(2, 4, 16)
    expected, out = theirs(pixel_values=clip).last_hidden_state, ours(clip)
    if scheme == "space":  # frames of one clip in a row
        tokens = expected[:, 1:].unflatten(0, (2, 4))
    else:  # CLS, then patch by patch through the frames
        tokens = expected[:, 1:].unflatten(1, (4, 4)).transpose(1, 2)
        torch.testing.assert_close(out.pooled, expected[:, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.tokens, tokens, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("scheme", ["local-global", "axial"])
def test_it_equals_the_formulae_written_out(scheme: str) -> None:
    tower = build_tower(golden.larger(PRESETS[f"timesformer-{scheme}-test"].tower)).eval()
    golden.fill(tower)
    out, expected = tower(golden.clip(1, 4, 32)), golden.read("timesformer")
    torch.testing.assert_close(out.tokens, expected[f"{scheme}.tokens"], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, expected[f"{scheme}.pooled"], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("scheme", ["space", "divided"])
def test_from_image_weights_a_still_clip_gives_the_image_models_features(scheme: str) -> None:
    """Divided: CLS is one for all frames, so only a still clip is the same frame by frame."""
    preset = PRESETS[f"timesformer-{scheme}-test"].tower
    config = replace(preset, backbone=BackboneConfig("clip", 8, 2))
    tower, image = build_tower(config).eval(), image_model(config)
    load_image_model(tower, image, config)
    tower.norm.load_state_dict(image.get_submodule("post_layernorm").state_dict())
    frame = golden.clip(2, 1, 16)
    clip = frame.expand(-1, 4, -1, -1, -1) if scheme == "divided" else golden.clip(2, 4, 16)
    tokens, pooled = frame_features(image, clip)
    out = tower(clip)
    torch.testing.assert_close(out.tokens, tokens[:, :, 1:], atol=1e-4, rtol=1e-4)
    if scheme == "divided":
        torch.testing.assert_close(out.pooled, pooled[:, 0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", GROUPINGS)
def test_joining_undoes_splitting(name: str) -> None:
    x = torch.randn(2, 4, 6, 8, 3)
    groups = grouping(name, 4, 6, 8)
    assert groups.split(x).shape == (2, groups.num_groups, 4 * 6 * 8 // groups.num_groups, 3)
    assert torch.equal(groups.join(groups.split(x), (4, 6, 8)), x)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_takes_any_number_of_frames(scheme: str) -> None:
    tower = scrambled(build_tower(PRESETS[f"timesformer-{scheme}-test"].tower))
    for T in (1, 3, 6):
        assert tower(golden.clip(1, T, 16)).tokens.shape == (1, T, 4, 16)


def test_only_the_space_scheme_cannot_see_the_order_of_frames() -> None:
    clip = golden.clip(1, 4, 16)
    for scheme in SCHEMES:
        tower = build_tower(PRESETS[f"timesformer-{scheme}-test"].tower).eval()
        golden.fill(tower)
        same = torch.allclose(tower(clip).pooled, tower(clip.flip(1)).pooled, atol=1e-4)
        assert same == (scheme == "space")


def test_an_odd_grid_has_no_quarters() -> None:
    config = replace(PRESETS["timesformer-local-global-test"].tower, image_size=24)
    with pytest.raises(ValueError, match="needs an even grid, not 3 x 3 patches"):
        type(build_tower(config)).frame_grid(config)


def test_an_unknown_scheme_is_answered_with_the_known_ones() -> None:
    config = replace(PRESETS["timesformer-axial-test"].tower, options={"scheme": "sparse"})
    with pytest.raises(ValueError, match='no scheme "sparse"; there are space, joint, divided'):
        build_tower(config)
