"""Efficient-Prompt: both sides, and their 3.2 million trained parameters."""

import pytest
import torch
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from tests import golden
from tests.image_models import scrambled
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.config import BlockConfig
from vlm.heads.prompted_text import CLIPText, PromptedText
from vlm.weights.io.rename import for_each, rename
from vlm.weights.towers import clip as clip_names

BLOCK = BlockConfig(16, 2, 64, None, "quick_gelu", 1e-5)


def small_text(**changes: int) -> PromptedText:
    sizes = {"num_before": 3, "num_behind": 2, "start_id": 0, "end_id": 1, **changes}
    return PromptedText(CLIPText(BLOCK, 2, vocab_size=20, length=12, out_dim=8), **sizes)


def test_the_video_side_equals_the_formulae_written_out() -> None:
    name = "efficient-prompt-test"
    tower, expected = build_tower(PRESETS[name].tower).eval(), golden.read("two_paths")
    golden.fill(tower)
    out = tower(golden.clip(1, 4, 16))
    torch.testing.assert_close(out.tokens, expected[f"{name}.tokens"], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(out.pooled, expected[f"{name}.pooled"], atol=2e-5, rtol=1e-4)


def test_the_text_side_equals_transformers() -> None:
    theirs = scrambled(
        CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=16,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                vocab_size=20,
                max_position_embeddings=12,
                projection_dim=8,
                eos_token_id=1,
                hidden_act="quick_gelu",
            )
        )
    )
    ours = small_text().eval()
    layers = [{"tower": "text_model.", "layer": i, "target": f"blocks.{i}"} for i in range(2)]
    rules = [
        *for_each(clip_names.LAYER, *layers),
        *rename("text_model.embeddings.token_embedding.weight", "tokens.weight"),
        *rename("text_model.embeddings.position_embedding.weight", "positions"),
        *rename("text_model.final_layer_norm", "norm", "weight", "bias"),
        *rename("text_projection.weight", "proj.weight"),
    ]
    state = theirs.state_dict()
    ours.text.load_state_dict({k: v for r in rules for k, v in r.apply(state.get).items()})
    embeddings, ends = ours.rows([[5, 6], [7]])
    words = theirs.get_submodule("text_model").embeddings
    words.token_embedding = Given(embeddings)
    ids = torch.zeros(2, 12, dtype=torch.long)
    ids[torch.arange(2), ends] = 1  # tells transformers where EOS is
    expected = theirs(input_ids=ids).text_embeds
    torch.testing.assert_close(ours.text(embeddings, ends), expected, atol=1e-5, rtol=1e-4)


class Given(nn.Module):
    """Returns the embeddings it was built with."""

    def __init__(self, embeddings: torch.Tensor) -> None:
        super().__init__()
        self.embeddings = embeddings

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embeddings


def test_vectors_stand_around_the_name_by_their_place_in_the_row() -> None:
    text = small_text()
    rows, ends = text.rows([[5, 6], [7]])
    assert ends.tolist() == [8, 7]
    name = text.text.tokens(torch.tensor([0, 5, 6, 1]))
    assert torch.equal(rows[0, 0], name[0])
    assert torch.equal(rows[0, 1:4], text.vectors[1:4])
    assert torch.equal(rows[0, 4:6], name[1:3])
    assert torch.equal(rows[0, 6:8], text.vectors[6:8])
    assert torch.equal(rows[0, 8], name[3])
    assert torch.equal(rows[1, 5:7], text.vectors[5:7])  # other vectors behind a shorter name


def test_what_stands_behind_the_end_has_no_effect() -> None:
    text, names = scrambled(small_text()), [[5, 6]]
    before = text(torch.ones(1, 8), names)
    with torch.no_grad():
        text.vectors[9:] += 1
    assert torch.equal(text(torch.ones(1, 8), names), before)


def test_the_gradient_flows_through_the_frozen_tower_to_the_vectors_alone() -> None:
    text = small_text()
    text(torch.randn(3, 8), [[5, 6], [7]]).square().mean().backward()
    with_gradient = {name for name, p in text.named_parameters() if p.grad is not None}
    assert with_gradient == {"vectors"}


@pytest.mark.parametrize("ids", [[], [5] * 6])
def test_a_name_must_leave_room_for_the_vectors(ids: list[int]) -> None:
    with pytest.raises(ValueError, match=f"has 1 to 5 tokens, not {len(ids)}"):
        small_text().rows([ids])


@pytest.mark.parametrize(
    ("name", "total"),
    [("efficient-prompt-b16", 3_200_000), ("efficient-prompt-b16-two", 6_352_384)],
)
def test_both_sides_train_the_published_number_of_parameters(name: str, total: int) -> None:
    with torch.device("meta"):
        block = BlockConfig(512, 8, 2048, None, "quick_gelu", 1e-5)
        text = PromptedText(CLIPText(block))
    vectors = sum(p.numel() for p in text.parameters() if p.requires_grad)
    assert PRESETS[name].num_trainable + vectors == total
