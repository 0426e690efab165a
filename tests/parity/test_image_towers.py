"""Published image towers in a progressive tower: the same numbers, frame by frame, until trained.

The references are transformers' own models with random weights, saved as such models are saved.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    InternVLVisionModel,
    Siglip2VisionConfig,
    Siglip2VisionModel,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from vlm.compressor import AdaptiveCompressor
from vlm.config import CompressorConfig
from vlm.encoders import build_tower
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.weights.io.files import WeightsError
from vlm.weights.towers.read import read_projector, read_tower

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "patch_size": 8,
}
TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 20,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
CLIP_SIZES = {**SIZES, "image_size": 32}
INTERNVIT = {**SIZES, "image_size": 32, "attention_bias": True}


def scrambled(model: nn.Module) -> nn.Module:
    """The model with every parameter random: norms and scales too."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def internvl() -> InternVLForConditionalGeneration:
    config = InternVLConfig(
        vision_config=INTERNVIT, text_config={"model_type": "qwen2", **TEXT}, image_token_id=3
    )
    return scrambled(InternVLForConditionalGeneration(config))


def save_as_opengvlab(theirs: InternVLForConditionalGeneration, folder: Path) -> None:
    """A transformers InternVL under the names of the laboratory's own release."""
    theirs.save_pretrained(folder)
    state, out = load_file(folder / "model.safetensors"), {}
    embeddings = "vision_tower.embeddings."
    out["vision_model.embeddings.class_embedding"] = state[f"{embeddings}cls_token"]
    out["vision_model.embeddings.position_embedding"] = state[f"{embeddings}position_embeddings"]
    for layer in range(SIZES["num_hidden_layers"]):
        old, new = f"vision_tower.encoder.layer.{layer}.", f"vision_model.encoder.layers.{layer}."
        out[f"{new}ls1"], out[f"{new}ls2"] = state[f"{old}lambda_1"], state[f"{old}lambda_2"]
    for kind in ("weight", "bias"):
        out[f"vision_model.embeddings.patch_embedding.{kind}"] = state[
            f"{embeddings}patch_embeddings.projection.{kind}"
        ]
        for layer in range(SIZES["num_hidden_layers"]):
            old = f"vision_tower.encoder.layer.{layer}."
            new = f"vision_model.encoder.layers.{layer}."
            out[f"{new}attn.qkv.{kind}"] = torch.cat(
                [state[f"{old}attention.{part}_proj.{kind}"] for part in "qkv"]
            )
            out[f"{new}attn.proj.{kind}"] = state[f"{old}attention.projection_layer.{kind}"]
            out[f"{new}norm1.{kind}"] = state[f"{old}layernorm_before.{kind}"]
            out[f"{new}norm2.{kind}"] = state[f"{old}layernorm_after.{kind}"]
            out[f"{new}mlp.fc1.{kind}"] = state[f"{old}mlp.fc1.{kind}"]
            out[f"{new}mlp.fc2.{kind}"] = state[f"{old}mlp.fc2.{kind}"]
        for index, name in (("0", "layer_norm"), ("1", "linear_1"), ("3", "linear_2")):
            out[f"mlp1.{index}.{kind}"] = state[f"multi_modal_projector.{name}.{kind}"]
    out["language_model.output.weight"] = torch.zeros(2, 2)
    save_file(out, folder / "model.safetensors")
    config = {
        "model_type": "internvl_chat",
        "downsample_ratio": 0.5,
        "ps_version": "v2",
        "select_layer": -1,
        "vision_config": {
            **CLIP_SIZES,
            "model_type": "intern_vit_6b",
            "norm_type": "layer_norm",
            "qk_normalization": False,
            "qkv_bias": True,
            "layer_norm_eps": 1e-6,
            "hidden_act": "gelu",
        },
    }
    (folder / "config.json").write_text(json.dumps(config))


def save_as_internvit(theirs: InternVLForConditionalGeneration, folder: Path) -> None:
    """The tower alone, as InternViT-300M-448px is published: no prefix, its own config."""
    save_as_opengvlab(theirs, folder)
    state = load_file(folder / "model.safetensors")
    tower = {
        n.removeprefix("vision_model."): t for n, t in state.items() if n.startswith("vision_")
    }
    save_file(tower, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())["vision_config"]
    (folder / "config.json").write_text(json.dumps(config))


def last(model: Callable, pixels: Tensor) -> Tensor:
    return model(pixels).last_hidden_state


def penultimate(model: Callable, pixels: Tensor) -> Tensor:
    return model(pixels, output_hidden_states=True).hidden_states[-2]


def naflex(model: Siglip2VisionModel, pixels: Tensor) -> Tensor:
    """Pictures as SigLIP2's processor hands them over: patches in a row, colours last."""
    F, p = len(pixels), 8
    patches = pixels.unfold(2, p, p).unfold(3, p, p)  # [F, 3, H, W, p, p]
    patches = patches.permute(0, 2, 3, 4, 5, 1).reshape(F, -1, p * p * 3)
    mask = torch.ones(F, patches.shape[1], dtype=torch.long)
    shape = torch.tensor([[4, 4]] * F)
    return model(patches, mask, shape).last_hidden_state


def clip_text() -> CLIPModel:
    vision = CLIPVisionConfig(**CLIP_SIZES).to_dict()
    return scrambled(CLIPModel(CLIPConfig(text_config=TEXT, vision_config=vision)))


def siglip_text() -> SiglipModel:
    vision = SiglipVisionConfig(**CLIP_SIZES).to_dict()
    return scrambled(SiglipModel(SiglipConfig(text_config=TEXT, vision_config=vision)))


def saved(model: nn.Module, folder: Path) -> None:
    model.save_pretrained(folder)  # type: ignore[operator]


# name: the model, how it is saved, its image tower, the features it is read for, CLS tokens
FAMILIES: dict[str, tuple] = {
    "InternVL2 under OpenGVLab's names": (
        internvl, save_as_opengvlab, lambda m: m.model.vision_tower, last, 1,
    ),
    "InternViT alone": (internvl, save_as_internvit, lambda m: m.model.vision_tower, last, 1),
    "InternVL in transformers": (internvl, saved, lambda m: m.model.vision_tower, last, 1),
    "InternVL's tower with a last norm": (
        lambda: scrambled(
            InternVLVisionModel(InternVLVisionConfig(**INTERNVIT, use_mean_pooling=False))
        ),
        saved, lambda m: m, last, 1,
    ),
    "CLIP's tower": (
        lambda: scrambled(CLIPVisionModel(CLIPVisionConfig(**CLIP_SIZES))),
        saved, lambda m: m, penultimate, 1,
    ),
    "CLIP with its text tower": (clip_text, saved, lambda m: m.vision_model, penultimate, 1),
    "OpenCLIP's activation": (
        lambda: scrambled(CLIPVisionModel(CLIPVisionConfig(**CLIP_SIZES, hidden_act="gelu"))),
        saved, lambda m: m, penultimate, 1,
    ),
    "SigLIP's tower": (
        lambda: scrambled(SiglipVisionModel(SiglipVisionConfig(**CLIP_SIZES))),
        saved, lambda m: m, last, 0,
    ),
    "SigLIP with its text tower": (siglip_text, saved, lambda m: m.vision_model, last, 0),
    "SigLIP with a side that does not divide": (
        lambda: scrambled(SiglipVisionModel(SiglipVisionConfig(**{**SIZES, "image_size": 36}))),
        saved, lambda m: m, last, 0,
    ),
    "SigLIP2 NaFlex": (
        lambda: scrambled(Siglip2VisionModel(Siglip2VisionConfig(**SIZES, num_patches=16))),
        saved, lambda m: m, naflex, 0,
    ),
}  # fmt: skip


def tower_from(folder: Path, **changes: object) -> ProgressiveEncoder:
    read = read_tower(folder, changes)
    tower = build_tower(read.config).eval()
    result = tower.load_state_dict(read.tensors, strict=False)
    assert not result.unexpected_keys
    return tower


@pytest.mark.parametrize("temporal", [0, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_with_closed_gates_a_published_tower_is_unchanged_frame_by_frame(
    family: str, temporal: int, tmp_path: Path
) -> None:
    build, save, image_tower, features, num_prefix = FAMILIES[family]
    theirs = build()
    save(theirs, tmp_path)
    ours = tower_from(tmp_path, num_temporal_layers=temporal)
    assert len(ours.blocks) == temporal
    size = 36 if "does not divide" in family else 32
    clip = torch.randn(2, 3, 3, size, size)
    with torch.no_grad():
        expected = features(image_tower(theirs), clip.flatten(0, 1)).unflatten(0, (2, 3))
        found = ours(clip)
    assert found.grid == (4, 4)
    torch.testing.assert_close(found.tokens, expected[:, :, num_prefix:], atol=1e-5, rtol=1e-4)
    if num_prefix:
        torch.testing.assert_close(found.global_token, expected[:, :, 0], atol=1e-5, rtol=1e-4)


def test_an_open_gate_changes_the_tokens(tmp_path: Path) -> None:
    saved(scrambled(SiglipVisionModel(SiglipVisionConfig(**CLIP_SIZES))), tmp_path)
    closed, opened = (tower_from(tmp_path, num_temporal_layers=2, alpha=a) for a in (0.0, 0.5))
    clip = torch.randn(1, 3, 3, 32, 32)
    assert not torch.allclose(closed(clip).tokens, opened(clip).tokens, atol=1e-3)


@pytest.mark.parametrize("save", [save_as_opengvlab, saved])
def test_without_adaln_the_image_path_equals_internvls(save: Callable, tmp_path: Path) -> None:
    theirs = internvl()
    save(theirs, tmp_path)
    tower = tower_from(tmp_path, num_temporal_layers=0)
    projector = read_projector(tmp_path, tower.dim)
    assert projector is not None
    assert (projector.factor, projector.width) == (2, 16)
    config = CompressorConfig(projector.factor, projector.mlp_dim, adaptive=False)
    compressor = AdaptiveCompressor(tower.dim, projector.width, config)
    compressor.load_state_dict(projector.tensors)
    pixels = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = theirs.model.get_image_features(pixels).pooler_output  # [F, 4, D]
        found = compressor(tower(pixels[None]), torch.zeros(1, 3))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_larger_picture_gets_interpolated_positions(tmp_path: Path) -> None:
    theirs = scrambled(SiglipVisionModel(SiglipVisionConfig(**CLIP_SIZES)))
    saved(theirs, tmp_path)
    ours = tower_from(tmp_path, num_temporal_layers=1, image_size=64)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(pixels, interpolate_pos_encoding=True).last_hidden_state
        found = ours(pixels[None]).tokens[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_third_of_the_layers_becomes_temporal_by_default(tmp_path: Path) -> None:
    saved(scrambled(CLIPVisionModel(CLIPVisionConfig(**CLIP_SIZES))), tmp_path)
    config = read_tower(tmp_path, {}).config
    assert (config.backbone.depth, config.temporal.num_layers) == (2, 1)
    assert config.backbone.feature_layer == -2
    assert config.image_mean[0] == pytest.approx(0.4815, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.pop("encoder.layers.1.mlp.fc1.bias"), "missing: encoder.layers.1.mlp.fc1.bi"),
        (lambda s: s.update(extra=torch.zeros(1)), "unexpected: extra"),
        (
            lambda s: s.update({"pre_layrnorm.bias": torch.zeros(3)}),
            r"wrong shape: pre_layrnorm.bias \[3\] for backbone.pre_norm.bias \[16\]",
        ),
        (lambda s: s.pop("embeddings.class_embedding"), "must be called embeddings.class_emb"),
    ],
)
def test_a_tower_that_does_not_fit_is_refused_by_name(
    change: Callable, sentence: str, tmp_path: Path
) -> None:
    saved(scrambled(CLIPVisionModel(CLIPVisionConfig(**CLIP_SIZES))), tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    change(state)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=sentence):
        read_tower(tmp_path, {})


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"model_type": "resnet"},
            'model_type "resnet" is not .*; known are internvl_chat',
        ),
        ({}, "model_type none is not"),
        (
            {"model_type": "internvl_chat", "vision_config": {"model_type": "intern_vit_6b"}},
            "InternViT-6B",
        ),
        (
            {"model_type": "internvl_vision", "norm_type": "rms_norm"},
            "InternViT-6B",
        ),
    ],
)
def test_a_folder_without_a_known_tower_is_refused(
    config: dict, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=sentence):
        read_tower(tmp_path, {})


def test_more_temporal_layers_than_there_are_is_refused(tmp_path: Path) -> None:
    saved(scrambled(CLIPVisionModel(CLIPVisionConfig(**CLIP_SIZES))), tmp_path)
    with pytest.raises(WeightsError, match="4 layers cannot return .* with 4 temporal layers"):
        read_tower(tmp_path, {"num_temporal_layers": 4})
    with pytest.raises(WeightsError, match="a tower has no field depht; its fields are backbone"):
        read_tower(tmp_path, {"depht": 4})
