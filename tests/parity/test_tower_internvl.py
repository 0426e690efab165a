"""Our tower equals transformers' InternVL at equal weights: the spatial path and PixelShuffle."""

import torch
from transformers import InternVLConfig, InternVLVisionConfig, InternVLVisionModel
from transformers.models.internvl.modeling_internvl import InternVLModel

from vlm.compressor import pixel_shuffle
from vlm.encoders import build_tower
from vlm.encoders.config import BackboneConfig, BlockConfig, TemporalConfig, TowerConfig

VISION = InternVLVisionConfig(
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=2,
    attention_bias=True,
    intermediate_size=32,
    image_size=32,
    patch_size=8,
)
OURS = TowerConfig(
    image_size=32,
    block=BlockConfig(dim=16, num_heads=2, mlp_dim=32),
    backbone=BackboneConfig(patch_size=8, depth=1),
    temporal=TemporalConfig(num_layers=2, num_heads=2, alpha=0.0),
)


def block_weights(theirs: dict[str, torch.Tensor], layer: int) -> dict[str, torch.Tensor]:
    """One of their layers under our names."""
    prefix = f"encoder.layer.{layer}."
    out = {}
    for kind in ("weight", "bias"):
        out[f"attn.qkv.{kind}"] = torch.cat(
            [theirs[f"{prefix}attention.{part}_proj.{kind}"] for part in "qkv"]
        )
        out[f"attn.proj.{kind}"] = theirs[f"{prefix}attention.projection_layer.{kind}"]
        out[f"norm1.{kind}"] = theirs[f"{prefix}layernorm_before.{kind}"]
        out[f"norm2.{kind}"] = theirs[f"{prefix}layernorm_after.{kind}"]
        out[f"mlp.fc1.{kind}"] = theirs[f"{prefix}mlp.fc1.{kind}"]
        out[f"mlp.fc2.{kind}"] = theirs[f"{prefix}mlp.fc2.{kind}"]
    out["ls1"], out["ls2"] = theirs[f"{prefix}lambda_1"], theirs[f"{prefix}lambda_2"]
    return out


def test_with_closed_gates_the_tower_is_internvit_frame_by_frame() -> None:
    torch.manual_seed(0)
    theirs = InternVLVisionModel(VISION).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    state = theirs.state_dict()
    ours = build_tower(OURS).eval()
    ours.backbone.load_state_dict(
        {
            "class_embedding": state["embeddings.cls_token"],
            "position_embedding": state["embeddings.position_embeddings"],
            "patch_embedding.weight": state["embeddings.patch_embeddings.projection.weight"],
            "patch_embedding.bias": state["embeddings.patch_embeddings.projection.bias"],
            **{f"layers.0.{name}": value for name, value in block_weights(state, 0).items()},
        }
    )
    for index, block in enumerate(ours.blocks):
        result = block.load_state_dict(block_weights(state, index + 1), strict=False)
        assert not result.unexpected_keys
        added = ("time.", "temporal_", "alpha")
        assert all(name.startswith(added) for name in result.missing_keys)

    clip = torch.randn(2, 3, 3, 32, 32)
    # The sequence before the final norm, which InternViT does not have (use_mean_pooling).
    expected = theirs(clip.flatten(0, 1)).last_hidden_state.unflatten(0, (2, 3))
    features = ours(clip)
    torch.testing.assert_close(features.tokens, expected[:, :, 1:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(features.global_token, expected[:, :, 0], atol=1e-5, rtol=1e-4)


def test_pixel_shuffle_has_internvls_order() -> None:
    config = InternVLConfig(
        vision_config=VISION,
        text_config={
            "model_type": "llama",
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "vocab_size": 16,
        },
    )
    theirs = InternVLModel(config)
    x = torch.randn(2, 8, 8, 5)
    expected = theirs.pixel_shuffle(x, scale_factor=0.25).flatten(1, 2)
    assert torch.equal(pixel_shuffle(x.flatten(1, 2), (8, 8), 4), expected)


def test_pixel_shuffle_groups_squares_not_parts_of_a_row() -> None:
    grid = torch.arange(16.0).view(16, 1)
    assert pixel_shuffle(grid, (4, 4), 2)[0].tolist() == [0, 1, 4, 5]
    assert pixel_shuffle(grid, (4, 4), 2)[1].tolist() == [2, 3, 6, 7]
