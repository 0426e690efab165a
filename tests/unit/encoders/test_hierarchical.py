"""The hierarchical and convolutional encoders, by what must be equal."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import SwinConfig, SwinModel

from tests import golden
from tests.goldens.published import published_state
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.encoders.i3d import I3D
from vlm.encoders.nonlocal_net import NonLocalNet
from vlm.encoders.r2plus1d import R2Plus1D, conv, middle_dim
from vlm.encoders.slowfast import Lateral, SlowFast, time_to_channel
from vlm.encoders.video_swin import VideoSwin, inflated_swin_state
from vlm.heads.classification import VideoClassifier, load_classifier, save_classifier
from vlm.layers.conv3d import inflated_state
from vlm.weights.video_models.layout import Layout

OURS = ("i3d", "mvit", "nonlocal", "r2plus1d", "slowfast", "video-swin")
TINY = [name for name in PRESETS if name.startswith(OURS) and name.endswith("-test")]


def filled(tower: VideoEncoder) -> VideoEncoder:
    """Fixed weights and running statistics, in eval mode."""
    with torch.no_grad():
        golden.fill(tower)
    return tower.eval()


def built(name: str) -> VideoEncoder:
    return filled(build_tower(PRESETS[name].tower))


def close(found: Tensor, wanted: Tensor) -> None:
    scale = wanted.abs().max().item()
    torch.testing.assert_close(found, wanted, atol=3e-5 * scale, rtol=1e-4)


# What all of them keep


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_any_number_of_frames_and_any_size_give_the_announced_tokens(name: str) -> None:
    tower = built(name)
    for T, H, W in ((1, 32, 64), (3, 47, 33), (5, 64, 32)):
        features = tower(golden.pattern("clip", (1, T, 3, H, W)))
        grid = tower.token_grid(T, H, W)
        assert features.tokens.shape == (1, grid[0], grid[1] * grid[2], tower.dim)
        assert features.grid == grid[1:]
        assert features.pyramid[-1].shape[1:4] == grid


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_a_saved_classifier_comes_back(name: str, tmp_path: Path) -> None:
    config = PRESETS[name].tower
    model = VideoClassifier(built(name), 2).eval()
    save_classifier(model, config, ["left", "right"], tmp_path)
    again, _, _ = load_classifier(tmp_path)
    clip = golden.clip(1, 4, config.image_size)
    assert torch.equal(again(clip), model(clip))


@pytest.mark.parametrize("name", TINY)
def test_a_frozen_encoder_stays_bit_equal_in_training(name: str) -> None:
    tower = built(name).requires_grad_(False).train()
    before = {key: value.clone() for key, value in tower.state_dict().items()}
    tower(golden.clip(2, 8, PRESETS[name].tower.image_size))
    assert all(torch.equal(before[key], value) for key, value in tower.state_dict().items())


# Inflation: a clip that stands still has the features of its picture


def image_and_video(**options: str) -> tuple[I3D, I3D]:
    image = I3D(width=0.05, inflated=False)
    filled(image)
    video = I3D(width=0.05, **options)  # type: ignore[arg-type]
    video.load_state_dict(inflated_state(image.state_dict(), video))
    return image, video.eval()  # type: ignore[return-value]


@torch.no_grad()
def test_an_inflated_i3d_sees_a_still_clip_as_its_picture() -> None:
    image, video = image_and_video(time_padding="replicate")
    picture = golden.clip(1, 1, 64)
    still = video(picture.expand(-1, 16, -1, -1, -1)).tokens
    close(still, image(picture).tokens.expand(-1, 2, -1, -1))


@torch.no_grad()
def test_with_zeros_at_its_ends_only_the_middle_of_a_still_clip_is_the_picture() -> None:
    image, video = image_and_video()
    picture = golden.clip(1, 1, 32)
    still = video(picture.expand(-1, 136, -1, -1, -1)).tokens[:, :, 0]
    wanted = image(picture).tokens[:, 0, 0]
    close(still[:, 8], wanted)
    assert (still[:, 0] - wanted).abs().max() > 1e-3


def image_swin() -> VideoSwin:
    swin = VideoSwin(dim=8, depths=(2, 2), num_heads=(1, 2), window=(1, 3, 3), patch=(1, 4, 4))
    filled(swin)
    return swin


BLOCK, THEIRS = r"stages\.#\.#\.", r"encoder.layers.\1.blocks.\2."
TABLE = "attention.relative_position_bias.relative_position_bias_table"
TRANSFORMERS_SWIN = Layout(
    "transformers",
    [
        (r"patch_embed\.(.*)", r"embeddings.patch_embeddings.projection.\1"),
        (r"patch_norm\.(.*)", r"embeddings.norm.\1"),
        (BLOCK + r"attn\.qkv\.(.*)", THEIRS + r"attention.q_proj|k_proj|v_proj.\3"),
        (BLOCK + r"attn\.proj\.(.*)", THEIRS + r"attention.o_proj.\3"),
        (BLOCK + r"attn\.bias\.table", THEIRS + TABLE),
        (BLOCK + r"norm1\.(.*)", THEIRS + r"layernorm_before.\3"),
        (BLOCK + r"norm2\.(.*)", THEIRS + r"layernorm_after.\3"),
        (BLOCK + r"(mlp\..*)", THEIRS + r"\3"),
        (r"merges\.#\.(.*)", r"encoder.layers.\1.downsample.\2"),
        (r"norm\.(.*)", r"layernorm.\1"),
    ],
)


@torch.no_grad()
def test_an_image_swin_equals_transformers() -> None:
    swin = image_swin()
    config = SwinConfig(image_size=32, embed_dim=8, depths=[2, 2], num_heads=[1, 2], window_size=3)
    theirs = SwinModel(config, add_pooling_layer=False).eval()
    shapes = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
    missing, unexpected = theirs.load_state_dict(
        published_state(TRANSFORMERS_SWIN, swin, shapes), strict=False
    )
    assert not missing
    assert not unexpected
    clip = golden.clip(1, 1, 32)
    close(swin(clip).tokens[:, 0], theirs(clip[:, 0]).last_hidden_state)


@torch.no_grad()
def test_an_inflated_swin_sees_a_still_clip_as_its_picture() -> None:
    image = image_swin()
    video = VideoSwin(dim=8, depths=(2, 2), num_heads=(1, 2), window=(2, 3, 3)).eval()
    video.load_state_dict(inflated_swin_state(image.state_dict(), video))
    picture = golden.clip(1, 1, 32)
    still = video(picture.expand(-1, 8, -1, -1, -1)).tokens
    close(still, image(picture).tokens.expand(-1, 4, -1, -1))


# Video Swin


@torch.no_grad()
def test_only_shifted_windows_carry_a_change_into_the_next_window() -> None:
    clip = golden.clip(1, 8, 32)
    changed = clip.clone()
    changed[:, 4:] = 0  # the second of two windows in time
    for depths, reaches in (((1, 1), False), ((2, 1), True)):
        swin = VideoSwin(dim=8, depths=depths, num_heads=(1, 2), window=(2, 3, 3))
        filled(swin)
        before, after = swin(clip).tokens[:, :2], swin(changed).tokens[:, :2]
        assert torch.equal(before, after) != reaches


@pytest.mark.parametrize("form", ["joint", "factorized", "split"])
@torch.no_grad()
def test_every_form_sees_the_order_of_the_frames(form: str) -> None:
    swin = VideoSwin(dim=8, depths=(2, 2), num_heads=(1, 2), window=(4, 3, 3), form=form)
    filled(swin)
    clip = golden.clip(1, 8, 32)
    pairs = clip.unflatten(1, (4, 2)).flip(1).flatten(1, 2)  # patches are two frames
    assert (swin(clip).pooled - swin(pairs).pooled).abs().max() > 1e-4


def test_an_unknown_form_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match='no form "dense"; there are joint, factorized, split'):
        VideoSwin(form="dense")


# Non-local networks


@pytest.mark.parametrize("function", ["gaussian", "embedded", "dot", "concat"])
@torch.no_grad()
def test_new_non_local_blocks_change_nothing(function: str) -> None:
    without, network = (
        NonLocalNet(depths=[1, 2, 2, 1], dim=4, nonlocal_blocks=number, function=function).eval()
        for number in (0, 5)
    )
    network.load_state_dict(without.state_dict(), strict=False)
    clip = golden.clip(1, 4, 64)
    assert torch.equal(network(clip).tokens, without(clip).tokens)


@torch.no_grad()
def test_without_kernels_in_time_a_clip_played_backward_is_the_same() -> None:
    clip = golden.clip(1, 4, 64)
    for kernels, same in (([[1]] * 4, True), ([[3]] * 4, False)):
        network = NonLocalNet(
            depths=[1, 2, 2, 1], dim=4, nonlocal_blocks=5, stem_kernel=1, time_kernels=kernels
        )
        filled(network)
        pooled, backward = network(clip).pooled, network(clip.flip(1)).pooled
        assert torch.allclose(pooled, backward, rtol=1e-3, atol=1e-5) == same


@torch.no_grad()
def test_one_non_local_block_lets_the_first_frame_see_the_last() -> None:
    clip = golden.clip(1, 4, 64)
    changed = clip.clone()
    changed[:, -1] = 0
    for number, reaches in ((0, False), (5, True)):
        network = NonLocalNet(
            depths=[1, 2, 2, 1],
            dim=4,
            nonlocal_blocks=number,
            stem_kernel=1,
            time_kernels=[[1]] * 4,
        )
        filled(network)
        before, after = (network(c).tokens[:, 0] for c in (clip, changed))
        assert torch.equal(before, after) != reaches


# SlowFast


@pytest.mark.parametrize("fusion", ["conv", "reshape", "reshape-sum", "sample"])
@torch.no_grad()
def test_every_fusion_carries_the_fast_path_into_the_slow_one(fusion: str) -> None:
    options = {"alpha": 4, "beta_inverse": 4} if fusion == "reshape-sum" else {"alpha": 2}
    network = SlowFast(depths=[1] * 4, dim=8, fusion=fusion, **options)  # type: ignore[arg-type]
    filled(network)
    clip = golden.clip(1, 8, 32)
    seen = torch.linspace(0, 7, 8 // options["alpha"]).long().tolist()
    changed = clip.clone()
    unseen = next(t for t in range(8) if t not in seen)
    changed[:, unseen] += 1  # of the fast path alone
    slow = network.dim - network.fast_stages[-1].dim
    assert not torch.equal(network(clip).tokens[..., :slow], network(changed).tokens[..., :slow])


def test_time_to_channel_stacks_the_frames_of_one_slow_frame() -> None:
    x = torch.arange(2 * 3 * 6.0).view(1, 2 * 3, 6, 1, 1)
    y = time_to_channel(x, 2)
    assert y.shape == (1, 12, 3, 1, 1)
    assert torch.equal(y[0, :, 1].flatten(), x[0, :, 2:4].flatten())


def test_time_to_channel_is_added_only_where_widths_agree() -> None:
    with pytest.raises(ValueError, match="gives 8 channels, which cannot be added to 16"):
        Lateral(2, 16, "reshape-sum", 4, 5)


def test_the_slow_path_takes_frames_evenly_or_every_alpha_th() -> None:
    clip = torch.arange(8.0).view(1, 1, 8, 1, 1)
    for choice, wanted in (("even", [0, 7]), ("strided", [0, 4])):
        network = SlowFast(depths=[1] * 4, dim=8, alpha=4, slow_frames=choice)
        assert network.select(clip).flatten().tolist() == wanted


# The R(2+1)D study


@pytest.mark.parametrize(("dim", "out_dim"), [(64, 64), (64, 128), (256, 512)])
def test_a_2plus1d_convolution_has_as_many_weights_as_a_3d_one(dim: int, out_dim: int) -> None:
    sizes = {}
    for kind in ("3d", "2plus1d"):
        module = conv(kind, dim, out_dim, 1, middle_dim(dim, out_dim), 1e-3)
        sizes[kind] = sum(p.numel() for p in module.parameters() if p.ndim == 5)
    one_channel = 9 * dim + 3 * out_dim  # M is rounded down
    assert 0 <= sizes["3d"] - sizes["2plus1d"] < one_channel


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("r2plus1d-r2d-18-16f", 1),
        ("r2plus1d-fr2d-18", 16),
        ("r2plus1d-mc3-18", 16),
        ("r2plus1d-mc4-18", 8),
        ("r2plus1d-mc5-18", 4),
        ("r2plus1d-rmc2-18", 2),
        ("r2plus1d-rmc4-18", 4),
        ("r2plus1d-rmc5-18", 8),
        ("r2plus1d-18", 2),
    ],
)
def test_time_is_strided_by_3d_groups_alone(name: str, frames: int) -> None:
    with torch.device("meta"):
        tower = build_tower(PRESETS[name].tower)
        assert tower(torch.empty(1, 16, 3, 112, 112)).tokens.shape == (1, frames, 49, 512)
    assert tower.token_grid(16, 112, 112) == (frames, 7, 7)


@torch.no_grad()
def test_frames_meet_in_the_mean_alone_if_all_is_2d() -> None:
    network = R2Plus1D(kinds=["2d"] * 3, depths=[1, 1], dim=8)
    filled(network)
    clip = golden.clip(1, 4, 32)
    alone = [network(clip[:, t : t + 1]).tokens for t in range(4)]
    close(network(clip).tokens, torch.cat(alone, dim=1))
    close(network(clip.flip(1)).pooled, network(clip).pooled)


def test_r2d_takes_clips_of_its_length_alone() -> None:
    network = R2Plus1D(kinds=["2d"] * 3, depths=[1, 1], dim=8, stem_frames=4)
    with pytest.raises(ValueError, match="this R2D takes 4 frames at once, not 3"):
        network(golden.clip(1, 3, 32))
