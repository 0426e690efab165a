"""Published files of the encoders on an image transformer load under their publishers' names."""

import pytest
import torch
from torch import Tensor
from transformers import (
    LongformerConfig,
    LongformerModel,
    TimesformerConfig,
    TimesformerForVideoClassification,
)

from tests import golden
from tests.image_models import scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.base import VideoEncoder
from vlm.weights.io.files import WeightsError
from vlm.weights.video_models.read import LAYOUTS, convert

# Ours and the publisher's, of the first layout; read in the publishers' code.
NAMES = {
    "aim-b16-ssv2": {
        "time": "temporal_embedding",
        "stem.class_embedding": "class_embedding",
        "stem.patch_embedding.weight": "conv1.weight",
        "stem.pre_norm.bias": "ln_pre.bias",
        "blocks.11.attn.qkv.weight": "transformer.resblocks.11.attn.in_proj_weight",
        "blocks.3.attn.proj.bias": "transformer.resblocks.3.attn.out_proj.bias",
        "blocks.3.mlp.fc2.weight": "transformer.resblocks.3.mlp.c_proj.weight",
        "blocks.3.time_in_adapter.down.weight": "transformer.resblocks.3.T_Adapter_in.D_fc1.weight",
        "blocks.3.time_adapter.up.bias": "transformer.resblocks.3.T_Adapter.D_fc2.bias",
        "blocks.3.mlp_adapter.up.bias": "transformer.resblocks.3.MLP_Adapter.D_fc2.bias",
        "norm.weight": "ln_post.weight",
    },
    "st-adapter-b16-ssv2": {
        "stem.position_embedding": "positional_embedding",
        "blocks.0.norm1.weight": "transformer.resblocks.0.ln_1.weight",
        "blocks.5.attn_adapter.conv.weight": "transformer.resblocks.5.adapter_pre_attn.conv.weight",
        "blocks.5.mlp_adapter.up.bias": "transformer.resblocks.5.adapter_pre_mlp.fc2.bias",
    },
    "uniformerv2-b16-ssv2": {
        "blocks.7.time2.norm.running_var": "transformer.resblocks.7.lmhra2.pos_embed.0.running_var",
        "blocks.7.time1.conv.weight": "transformer.resblocks.7.lmhra1.pos_embed.2.weight",
        "global_blocks.2.positions.weight": "transformer.dpe.2.weight",
        "global_blocks.2.key_norm.weight": "transformer.dec.2.ln_3.weight",
        "global_blocks.2.attn.qkv.bias": "transformer.dec.2.attn.in_proj_bias",
        "global_blocks.2.mlp.fc1.bias": "transformer.dec.2.mlp.c_fc.bias",
        "queries": "transformer.temporal_cls_token",
        "norm.bias": "transformer.proj.0.bias",
    },
    "timesformer-divided": {
        "stem.class_embedding": "cls_token",
        "stem.patch_embedding.bias": "patch_embed.proj.bias",
        "time": "time_embed",
        "blocks.4.first.0.attn.qkv.weight": "blocks.4.temporal_attn.qkv.weight",
        "blocks.4.first.0.norm.bias": "blocks.4.temporal_norm1.bias",
        "blocks.4.first.0.out.weight": "blocks.4.temporal_fc.weight",
        "blocks.4.norm2.weight": "blocks.4.norm2.weight",
        "norm.weight": "norm.weight",
    },
    "streamformer-b16": {
        "blocks.1.gate": "timesformer.encoder.layer.1.temporal_attention_gating",
        "blocks.1.attn.qkv.lora_a": (
            "timesformer.encoder.layer.1.attention.attention.qkv_lora_a.weight"
        ),
        "blocks.1.attn.qkv.bias": "timesformer.encoder.layer.1.attention.attention.qkv.bias",
        "blocks.1.time_attn.proj.weight": (
            "timesformer.encoder.layer.1.temporal_attention.output.dense.weight"
        ),
        "head.norm.weight": "timesformer.head.layernorm.weight",
        "head.attn.qkv.weight": "timesformer.head.attention.in_proj_weight",
        "time": "timesformer.embeddings.time_embeddings",
        "norm.bias": "timesformer.post_layernorm.bias",
    },
    "vtn-b16": {
        "cls": "cls_token",
        "blocks.2.mlp.fc1.weight": "backbone.blocks.2.mlp.fc1.weight",
        "types.weight": "temporal_encoder.embeddings.token_type_embeddings.weight",
        "layers.1.norm1.bias": "temporal_encoder.encoder.layer.1.attention.output.LayerNorm.bias",
        "layers.1.norm2.bias": "temporal_encoder.encoder.layer.1.output.LayerNorm.bias",
    },
}
ON_IMAGES = sorted({PRESETS[name].tower.encoder for name in NAMES})
NEVER_PUBLISHED = ("timesformer-axial-test", "timesformer-local-global-test")
TINY = [
    name
    for name, preset in PRESETS.items()
    if name.endswith("-test") and preset.tower.encoder in ON_IMAGES and name not in NEVER_PUBLISHED
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_the_publishers(name: str) -> None:
    with torch.device("meta"):
        own = build_tower(PRESETS[name].tower).state_dict()
    layout = LAYOUTS[PRESETS[name].tower.encoder][0]
    for ours, theirs in NAMES[name].items():
        assert ours in own
        assert layout.source(ours) == theirs


def test_streamformers_published_file_has_317_tensors() -> None:
    with torch.device("meta"):
        own = build_tower(PRESETS["streamformer-b16"].tower).state_dict()
    layout = LAYOUTS["streamformer"][0]
    assert len({layout.source(name) for name in own}) == 317


def published(name: str, layout: int = 0) -> tuple[VideoEncoder, dict[str, Tensor]]:
    """A tiny encoder, and its weights as its publisher's file would hold them."""
    tower = build_tower(PRESETS[name].tower)
    golden.fill(tower)
    own = tower.state_dict()
    rules = LAYOUTS[PRESETS[name].tower.encoder][layout].rules(
        {key: tuple(value.shape) for key, value in own.items()}
    )
    file: dict[str, Tensor] = {}
    for rule in rules:
        whole, num_parts = own[rule.targets[0]], len(rule.sources)
        parts = whole.chunk(num_parts) if num_parts > 1 else [whole]
        file.update(zip(rule.sources, parts, strict=True))
    return tower, file


@pytest.mark.parametrize("name", TINY)
def test_a_file_under_the_publishers_names_gives_back_every_weight(name: str) -> None:
    tower, file = published(name)
    state = convert(file, tower, LAYOUTS[PRESETS[name].tower.encoder], "file.pth")
    own = tower.state_dict()
    assert all(torch.equal(state[key], own[key]) for key in state)
    assert not [key for key in own.keys() - state.keys() if "num_batches_tracked" not in key]


def test_a_tensor_too_many_and_one_too_few_are_errors() -> None:
    tower, file = published("aim-test")
    for changed, problem in (
        ({**file, "transformer.extra": torch.zeros(2)}, "unexpected: transformer.extra"),
        ({k: v for k, v in file.items() if k != "ln_post.bias"}, "missing: ln_post.bias"),
    ):
        with pytest.raises(WeightsError, match=problem):
            convert(changed, tower, LAYOUTS["aim"], "file.pth")


def test_a_patch_of_one_frame_may_be_a_convolution_over_frames_in_the_file() -> None:
    tower, file = published("uniformerv2-test")
    file["conv1.weight"] = file["conv1.weight"][:, :, None]  # [C, 3, 1, P, P]
    state = convert(file, tower, LAYOUTS["uniformerv2"], "file.pyth")
    assert torch.equal(state["stem.patch_embedding.weight"], tower.stem.patch_embedding.weight)


@pytest.mark.parametrize("whole", [True, False])
def test_timesformer_loads_what_transformers_saves(whole: bool) -> None:
    theirs = scrambled(
        TimesformerForVideoClassification(
            TimesformerConfig(
                image_size=16,
                patch_size=8,
                num_frames=4,
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                layer_norm_eps=1e-6,
            )
        )
    )
    tower = build_tower(PRESETS["timesformer-divided-test"].tower).eval()
    part = theirs if whole else theirs.timesformer
    tower.load_state_dict(convert(part.state_dict(), tower, LAYOUTS["timesformer"], "file"))
    clip = golden.clip(1, 4, 16)
    expected = theirs.timesformer(pixel_values=clip).last_hidden_state
    torch.testing.assert_close(tower(clip).pooled, expected[:, 0], atol=1e-5, rtol=1e-4)


def test_vtn_loads_transformers_longformer() -> None:
    tower, file = published("vtn-test")
    config = LongformerConfig(
        attention_window=[2] * 2,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=10,
        type_vocab_size=2,
        vocab_size=3,
    )
    theirs = LongformerModel(config, add_pooling_layer=False).state_dict()
    theirs = {f"temporal_encoder.{k}": v for k, v in theirs.items() if "word_emb" not in k}
    assert {k for k in file if k.startswith("temporal_encoder.")} == theirs.keys()
    state = convert(file | theirs, tower, LAYOUTS["vtn"], "file")
    query = theirs["temporal_encoder.encoder.layer.1.attention.self.query_global.weight"]
    assert torch.equal(state["layers.1.attn.global_qkv.weight"][:16], query)
