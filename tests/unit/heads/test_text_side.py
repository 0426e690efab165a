"""Text towers equal the published ones; sentences in, unit features out."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    SiglipTextConfig,
    SiglipTextModel,
)

from vlm.encoders.config import BlockConfig
from vlm.heads.folder import tokens_of
from vlm.heads.text.side import TextSide
from vlm.heads.text.tokens import HashedWords
from vlm.heads.text.tower import TextConfig, build_text_tower, text_config
from vlm.heads.text.weights import load_text_weights
from vlm.heads.text_classes import TEMPLATES, class_features
from vlm.weights.io.files import WeightsError

SIZES = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
SIZES |= {"intermediate_size": 32, "vocab_size": 50, "max_position_embeddings": 8}
IDS = torch.tensor([[2, 7, 9, 3, 1, 1, 1, 1], [2, 8, 3, 1, 1, 1, 1, 1]])


def config(family: str, activation: str, eps: float, **values: int) -> TextConfig:
    block = BlockConfig(16, 2, 32, None, activation, eps)
    return TextConfig(family, block, 2, 50, 8, 12, **values)  # type: ignore[arg-type]


def test_siglips_text_tower_equals_transformers(tmp_path: Path) -> None:
    theirs = SiglipTextModel(SiglipTextConfig(**SIZES, projection_size=12)).eval()
    theirs.save_pretrained(tmp_path)
    ours = config("siglip", "gelu_pytorch_tanh", 1e-6)
    tower = build_text_tower(ours).eval()
    load_text_weights(tower, ours, tmp_path)
    with torch.no_grad():
        found = tower(tower.tokens(IDS), torch.tensor([3, 2]))
        expected = theirs(IDS).pooler_output
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_clips_text_tower_equals_transformers(tmp_path: Path) -> None:
    given = CLIPTextConfig(
        **SIZES, projection_dim=12, eos_token_id=3, bos_token_id=2, hidden_act="quick_gelu"
    )
    theirs = CLIPTextModelWithProjection(given).eval()
    theirs.save_pretrained(tmp_path)
    ours = config("clip", "quick_gelu", 1e-5, start_id=2, end_id=3)
    tower = build_text_tower(ours).eval()
    load_text_weights(tower, ours, tmp_path)
    with torch.no_grad():
        found = tower(tower.tokens(IDS), torch.tensor([3, 2]))
        expected = theirs(IDS).text_embeds
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_tower_of_another_size_is_refused_with_the_tensors(tmp_path: Path) -> None:
    SiglipTextModel(SiglipTextConfig(**SIZES, projection_size=8)).save_pretrained(tmp_path)
    ours = config("siglip", "gelu_pytorch_tanh", 1e-6)
    with pytest.raises(WeightsError, match="wrong shape"):
        load_text_weights(build_text_tower(ours), ours, tmp_path)


@pytest.mark.parametrize("name", ["siglip-test", "clip-test", "efficient-prompt-test"])
def test_a_feature_does_not_depend_on_the_other_sentences(name: str) -> None:
    side = TextSide(text_config(name), tokens_of(text_config(name), None)).eval()
    words = ["a red circle", "a blue square moves to the left", "up"]
    with torch.no_grad():
        together = side(words)
        alone = torch.cat([side([text]) for text in words])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(3))
    assert float((together[0] @ together[1]).detach()) < 0.99


@pytest.mark.parametrize("seed", range(3))
def test_texts_of_a_random_tower_of_words_are_far_apart(seed: int) -> None:
    torch.manual_seed(seed)
    side = TextSide(text_config("siglip-test"), HashedWords(4096))
    features = side(["blue square", "green triangle", "red circle", "yellow star"])
    others = (features @ features.T)[~torch.eye(4, dtype=torch.bool)]
    assert float(others.mean()) < 0.7


def test_templates_are_averaged_and_the_mean_is_not_made_unit() -> None:
    side = TextSide(text_config("siglip-test"), HashedWords(4096))
    each = side(["a dog", "the dog"])
    torch.testing.assert_close(side(["dog"], ("a {}", "the {}"))[0], each.mean(dim=0))


def test_sentences_stand_around_names_except_around_hashed_words() -> None:
    words = text_config("siglip-test")
    for config, templates in ((words, ("{}",)), (replace(words, tokenizer="file"), TEMPLATES)):
        side = TextSide(config, HashedWords(4096))
        found = class_features(side, ["MoveUp"], templated=True)
        assert torch.equal(found, side(["move up"], templates))


def test_a_kept_feature_is_computed_again_after_other_weights_are_read() -> None:
    first, second = (TextSide(text_config("siglip-test"), HashedWords(4096)) for _ in range(2))
    before = first(["dog"])
    first.load_state_dict(second.state_dict())
    assert not torch.equal(first(["dog"]), before)
    assert torch.equal(first(["dog"]), second(["dog"]))


def test_only_the_vectors_around_a_name_are_trained() -> None:
    side = TextSide(text_config("efficient-prompt-test"), HashedWords(4096))
    side(["dog"]).sum().backward()
    learned = [name for name, p in side.named_parameters() if p.requires_grad]
    assert learned == ["prompted.vectors"]
    assert side.prompted is not None
    assert side.prompted.vectors.grad is not None


def test_a_text_without_words_is_one_sentence() -> None:
    side = TextSide(text_config("siglip-test"), HashedWords(4096))
    with pytest.raises(ValueError, match="has no words; write what to look for"):
        side(["!?"])
