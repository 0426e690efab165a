"""InternLM2 equals the Llama it is converted to: attention, layer, positions."""

import math

import pytest
import torch
from published_maker import LANGUAGE
from torch import Tensor
from transformers import AutoConfig, LlamaForCausalLM

from vlm.weights.io.rename import fit_rules
from vlm.weights.io.schema import JsonObject
from vlm.weights.language.internlm2 import internlm2_rules, llama_config

WIDTH, HEADS, GROUPS, LAYERS, INNER, WORDS = 16, 4, 2, 2, 24, 40
HEAD = WIDTH // HEADS


def internlm2_weights() -> dict[str, Tensor]:
    """A language model of InternLM2's names and shapes."""
    torch.manual_seed(0)
    shapes = {"model.tok_embeddings.weight": (WORDS, WIDTH), "output.weight": (WORDS, WIDTH)}
    for n in range(LAYERS):
        layer = f"model.layers.{n}."
        shapes[layer + "attention.wqkv.weight"] = (GROUPS * (HEADS // GROUPS + 2) * HEAD, WIDTH)
        shapes[layer + "attention.wo.weight"] = (WIDTH, WIDTH)
        shapes[layer + "feed_forward.w1.weight"] = (INNER, WIDTH)
        shapes[layer + "feed_forward.w3.weight"] = (INNER, WIDTH)
        shapes[layer + "feed_forward.w2.weight"] = (WIDTH, INNER)
    weights = {name: torch.randn(shape) * 0.3 for name, shape in shapes.items()}
    norms = [
        f"model.layers.{n}.{kind}_norm" for n in range(LAYERS) for kind in ("attention", "ffn")
    ]
    for name in (*norms, "model.norm"):
        weights[f"{name}.weight"] = 1 + 0.3 * torch.randn(WIDTH)
    return weights


def base_of(length: int, trained: int = 32768, head: int = HEAD, factor: float = 2.0) -> float:
    """The base of the rotary angles for a sequence of this length, from InternLM2's formula."""
    if length <= trained:
        return 1e6
    return 1e6 * (factor * length / trained - (factor - 1)) ** (head / (head - 2))


def rotated(x: Tensor, positions: Tensor, base: float) -> Tensor:
    """x [L, heads, d]: dimension i turns with dimension i + d/2, by position / base^(2i/d)."""
    d = x.shape[-1]
    angles = torch.stack([positions / base ** (2 * i / d) for i in range(d // 2)], dim=-1)[:, None]
    cos, sin = angles.cos().float(), angles.sin().float()
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def normed(x: Tensor, weight: Tensor) -> Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * weight


def attention(x: Tensor, weights: dict[str, Tensor], layer: str, positions: Tensor) -> Tensor:
    """x [L, D]. Head by head, as the rows of wqkv lie in the file."""
    L = len(x)
    base = base_of(int(positions.max()) + 1)
    rows = weights[layer + "attention.wqkv.weight"] @ x.T  # [rows, L]
    per_group = HEADS // GROUPS + 2
    heads = []
    for group in range(GROUPS):
        slots = rows.T.view(L, -1, HEAD)[:, group * per_group : (group + 1) * per_group]
        key = rotated(slots[:, -2:-1], positions, base)[:, 0]
        value = slots[:, -1]
        for query in range(HEADS // GROUPS):
            q = rotated(slots[:, query : query + 1], positions, base)[:, 0]
            scores = q @ key.T / math.sqrt(HEAD)
            scores = scores.masked_fill(torch.ones(L, L).triu(1).bool(), -math.inf)
            heads.append(scores.softmax(-1) @ value)
    return torch.cat(heads, dim=-1) @ weights[layer + "attention.wo.weight"].T


def internlm2(ids: Tensor, weights: dict[str, Tensor], positions: Tensor) -> Tensor:
    """Logits [L, words], written from the description of InternLM2."""
    x = weights["model.tok_embeddings.weight"][ids]
    for n in range(LAYERS):
        layer = f"model.layers.{n}."
        h = normed(x, weights[layer + "attention_norm.weight"])
        x = x + attention(h, weights, layer, positions)
        h = normed(x, weights[layer + "ffn_norm.weight"])
        gate = h @ weights[layer + "feed_forward.w1.weight"].T
        up = h @ weights[layer + "feed_forward.w3.weight"].T
        x = x + (gate * torch.sigmoid(gate) * up) @ weights[layer + "feed_forward.w2.weight"].T
    return normed(x, weights["model.norm.weight"]) @ weights["output.weight"].T


def llama(weights: dict[str, Tensor]) -> LlamaForCausalLM:
    """The same weights in transformers' Llama, through our table."""
    given = JsonObject(
        "config.json", LANGUAGE | {"vocab_size": WORDS, "max_position_embeddings": 32768}
    )  # type: ignore[arg-type]
    text = llama_config(given)
    config = AutoConfig.for_model(text.pop("model_type"), **text)
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).eval()
    wanted = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    rules = internlm2_rules(config)
    fit = fit_rules(rules, {name: tuple(t.shape) for name, t in weights.items()}, wanted)
    fit.require("the test's weights")
    made = {n: t for rule in rules for n, t in rule.apply(weights.__getitem__).items()}
    model.load_state_dict(made)
    return model


@pytest.mark.parametrize("first", [0, 32767 - 11, 32767 - 10, 40000], ids=str)
@torch.no_grad()
def test_llama_with_the_converted_weights_is_internlm2_below_and_above_32768(first: int) -> None:
    """12 tokens that begin at this position: the last is number 32,768, or the first beyond."""
    weights, positions = internlm2_weights(), torch.arange(first, first + 12)
    ids = torch.randint(0, WORDS, (12,))
    expected = internlm2(ids, weights, positions.double())
    model = llama(weights)
    found = model(ids[None], position_ids=positions[None]).logits[0]
    torch.testing.assert_close(found, expected, atol=3e-5, rtol=3e-5)
    if first == 40000:  # the scaling was not without effect
        model.model.rotary_emb.rope_type = "default"
        model.model.rotary_emb.inv_freq = model.model.rotary_emb.original_inv_freq
        unscaled = model(ids[None], position_ids=positions[None]).logits[0]
        assert (unscaled - expected).abs().max() > 1e-3


@pytest.mark.parametrize("length", [1, 32767, 32768, 32769, 40000, 65536, 5])
def test_the_frequencies_equal_internlm2s_at_every_length(length: int) -> None:
    config = AutoConfig.for_model(
        "llama",
        hidden_size=4096,
        num_attention_heads=32,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e6},
    )
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    rotary = LlamaRotaryEmbedding(config)
    rotary(torch.zeros(1), torch.tensor([[length - 1]]))
    base = base_of(length, head=128)
    expected = torch.tensor([base ** (-2 * i / 128) for i in range(64)])
    torch.testing.assert_close(rotary.inv_freq, expected, atol=0, rtol=2e-6)
    if length == 65536:  # base * 3 ^ (128/126), counted by hand
        assert base == pytest.approx(1e6 * 3.0 * 3 ** (2 / 126))


def test_a_short_question_after_a_long_one_equals_a_first_question() -> None:
    weights, ids = internlm2_weights(), torch.randint(0, WORDS, (1, 6))
    fresh, used = llama(weights), llama(weights)
    with torch.no_grad():
        used(ids, position_ids=torch.arange(40000, 40006)[None])
        assert torch.equal(used(ids).logits, fresh(ids).logits)
