"""Six encoders compute what the published networks compute, and load the published files."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests import golden
from tests.goldens.published import CASES, published_state
from vlm.encoders.base import VideoEncoder
from vlm.layers.nonlocal_block import FUNCTIONS, NonLocal
from vlm.weights.io.files import WeightsError
from vlm.weights.video_models.layout import COUNTERS, Layout
from vlm.weights.video_models.read import LAYOUTS, convert, load_video_model, read_tensors

GOLDEN = golden.read("published")
NAMES = json.loads((golden.FOLDER / "published_names.json").read_text(encoding="utf-8"))


def few(x: Tensor) -> Tensor:
    """The channels that a golden file keeps."""
    return x[..., :: max(1, x.shape[-1] // 64)]


def published_file(name: str, tower: VideoEncoder) -> dict[str, Tensor]:
    """All tensors of a published file, the classifier included, with our weights."""
    layout = LAYOUTS[CASES[name].encoder][CASES[name].layout]
    shapes = {key: tuple(shape) for key, shape in NAMES[name].items()}
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    return state | published_state(layout, tower, shapes)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_the_features_equal_those_of_the_published_network(name: str) -> None:
    features = CASES[name].build()(CASES[name].clip())
    for kind in ("tokens", "pooled"):
        if f"{name}.{kind}" in GOLDEN:
            want = GOLDEN[f"{name}.{kind}"]
            torch.testing.assert_close(
                few(getattr(features, kind)), want, atol=1e-5 * want.abs().max().item(), rtol=1e-4
            )


@pytest.mark.parametrize("function", FUNCTIONS)
@torch.no_grad()
def test_the_papers_non_local_block_equals_mmcvs(function: str) -> None:
    block = NonLocal(8, 4, function, scaled=False, pool_first=False).eval()
    golden.fill(block)
    z = block(golden.pattern("maps", (1, 8, 2, 4, 4)))
    torch.testing.assert_close(z, GOLDEN[f"nonlocal-{function}"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("prefix", ["", "backbone."])
@pytest.mark.parametrize("name", CASES)
def test_a_file_with_the_published_names_gives_back_every_weight(name: str, prefix: str) -> None:
    tower = CASES[name].build()
    tensors = published_file(name, tower)
    state = convert(
        {prefix + key: value for key, value in tensors.items()},
        tower,
        LAYOUTS[CASES[name].encoder],
        name,
    )
    own = {key: value for key, value in tower.state_dict().items() if COUNTERS[1:] not in key}
    assert state.keys() == own.keys()
    assert all(torch.equal(state[key], own[key]) for key in own)


@pytest.mark.parametrize("name", ["mvit-v2", "swin", "slowfast"])
def test_a_missing_tensor_an_unknown_one_and_another_shape_are_errors(name: str) -> None:
    tower = CASES[name].build()
    layouts = LAYOUTS[CASES[name].encoder]
    tensors = published_file(name, tower)
    lost = layouts[0].source(next(iter(tower.state_dict())))
    for changed, sentence in (
        ({k: v for k, v in tensors.items() if k != lost}, f"missing: {lost}"),
        (tensors | {"extra.weight": torch.zeros(2)}, "unexpected: extra.weight"),
        (tensors | {lost: torch.zeros(7, 5)}, "wrong shape"),
    ):
        with pytest.raises(WeightsError, match=sentence):
            convert(changed, tower, layouts, "file.pth")


PYSLOWFAST = {
    "slowfast": [
        ("slow_stem.norm.weight", "s1.pathway0_stem.bn.weight"),
        ("laterals.2.conv.conv.weight", "s3_fuse.conv_f2s.weight"),
        ("fast_stages.1.blocks.3.b.norm.bias", "s3.pathway1_res3.branch2.b_bn.bias"),
        ("slow_stages.0.blocks.0.shortcut.conv.weight", "s2.pathway0_res0.branch1.weight"),
        ("slow_stages.2.nonlocal_blocks.6.theta.bias", "s4.pathway0_nonlocal6.conv_theta.bias"),
    ],
    "nonlocal": [
        ("stem.conv.weight", "s1.pathway0_stem.conv.weight"),
        ("stages.3.blocks.2.c.conv.weight", "s5.pathway0_res2.branch2.c.weight"),
        ("stages.1.nonlocal_blocks.1.norm.weight", "s3.pathway0_nonlocal1.bn.weight"),
    ],
    "mvit": [
        ("blocks.14.attn.pool_q.norm.weight", "blocks.14.attn.norm_q.weight"),
        ("blocks.3.attn.positions.rows", "blocks.3.attn.rel_pos_h"),
        ("blocks.0.skip.bias", "blocks.0.proj.bias"),
        ("class_token", "cls_token"),
    ],
    "video-swin": [
        ("stages.2.5.attn.bias.table", "layers.2.blocks.5.attn.relative_position_bias_table"),
        ("merges.1.norm.weight", "layers.1.downsample.norm.weight"),
    ],
}


@pytest.mark.parametrize("encoder", PYSLOWFAST)
def test_the_authors_files_have_these_names(encoder: str) -> None:
    """Their programs are no package; the names are those of their files."""
    theirs = {"PySlowFast", "the authors"}
    layout: Layout = next(x for x in LAYOUTS[encoder] if x.publisher in theirs)
    for ours, name in PYSLOWFAST[encoder]:
        assert layout.source(ours) == name


def test_a_training_checkpoint_loads_and_one_with_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pyth"
    torch.save({"epoch": 3, "model_state": {"a": torch.ones(2)}}, path)
    assert read_tensors(path).keys() == {"a"}
    torch.save({"model": Layout}, path)
    with pytest.raises(WeightsError, match="could run code"):
        read_tensors(path)
    path.write_bytes(b"not a file of torch")
    with pytest.raises(WeightsError, match="is damaged"):
        read_tensors(path)


def test_a_file_that_does_not_fit_is_told_where_the_right_one_is(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"unexpected: a;.*MODEL_ZOO.*Apache-2.0"):
        load_video_model(tmp_path / "a.pth", "mvit-v2-s-16x4")
    with pytest.raises(WeightsError, match='no preset "mvit"'):
        load_video_model(tmp_path / "a.pth", "mvit")
