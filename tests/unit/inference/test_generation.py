"""Tokens one by one: equal to transformers', in whole characters, with a stop at any time."""

from threading import Event

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_assistant, tiny_tokenizer
from transformers import DynamicCache

from vlm.inference.decoding.generation import Detokenizer, Stopped, generate, prefill
from vlm.inference.decoding.sampler import Sampler
from vlm.inference.settings import Settings

END = frozenset({2})
PROMPT = torch.arange(3, 103)[None]  # [1, L]


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return tiny_assistant().model.language_model


def answer(
    model: torch.nn.Module, settings: Settings, chunk: int = 256, stop: Event | None = None
) -> list[int]:
    cache = DynamicCache(config=model.config)
    embeddings = model.get_input_embeddings()(PROMPT)
    logits = prefill(model, embeddings, cache, stop, chunk)
    return list(
        generate(model, logits, cache, Sampler(settings, [0, 1, 508]), eos_ids=END, stop=stop)
    )


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_answers_are_those_of_transformers(model: torch.nn.Module, penalty: float) -> None:
    theirs = model.generate(
        inputs_embeds=model.get_input_embeddings()(PROMPT),
        max_new_tokens=40,
        do_sample=False,
        repetition_penalty=penalty,
        suppress_tokens=[0, 1, 508],
        eos_token_id=2,
        pad_token_id=2,
    )[0].tolist()
    ours = answer(model, Settings(max_new_tokens=40, repetition_penalty=penalty))
    assert ours == (theirs[: theirs.index(2)] if 2 in theirs else theirs)
    assert len(set(ours)) > 3, "an answer that repeats one token would prove little"


def test_prefill_in_chunks_equals_prefill_at_once(model: torch.nn.Module) -> None:
    chosen = Settings(max_new_tokens=30)
    assert answer(model, chosen, chunk=7) == answer(model, chosen, chunk=1000)


def test_a_seed_makes_sampling_repeatable(model: torch.nn.Module) -> None:
    def drawn(seed: int | None, top_p: float = 1.0) -> list[int]:
        chosen = Settings(max_new_tokens=30, temperature=5.0, seed=seed, top_p=top_p)
        return answer(model, chosen)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(None) != drawn(None)
    greedy = answer(model, Settings(max_new_tokens=30, repetition_penalty=1.1))
    assert drawn(3, top_p=1e-6) == greedy, "a tiny nucleus holds the likeliest token alone"


def test_suppressed_tokens_are_never_chosen(model: torch.nn.Module) -> None:
    tokens = answer(model, Settings(max_new_tokens=200, temperature=50.0, seed=0))
    assert not {0, 1, 2, 508}.intersection(tokens)


def test_a_stop_takes_effect_during_prefill_and_between_tokens(
    model: torch.nn.Module,
) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        answer(model, Settings(), stop=stop)
    stop.clear()
    cache = DynamicCache(config=model.config)
    logits = prefill(model, model.get_input_embeddings()(PROMPT), cache)
    tokens = generate(model, logits, cache, Sampler(Settings()), eos_ids=END, stop=stop)
    for _ in range(5):
        next(tokens)
    stop.set()
    with pytest.raises(Stopped):
        next(tokens)
    assert cache.get_seq_length() == PROMPT.shape[1] + 4  # the last token was never read


def pieces(ids: list[int]) -> list[str]:
    words = Detokenizer(tiny_tokenizer())
    return [*(words.push(token) for token in ids), words.finish()]


@given(st.lists(st.integers(0, 511)))
@settings(max_examples=200, deadline=None)
def test_streamed_text_is_the_whole_text_without_a_broken_end(ids: list[int]) -> None:
    tokenizer = tiny_tokenizer()
    whole = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert "".join(pieces(ids)) == whole.rstrip("\ufffd")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters=["\ufffd"])))
@settings(max_examples=100, deadline=None)
def test_no_piece_is_half_a_character(text: str) -> None:
    ids = tiny_tokenizer().encode(text, add_special_tokens=False, split_special_tokens=True)
    streamed = pieces(ids)
    assert "".join(streamed) == text
    assert not any("\ufffd" in piece for piece in streamed)


def test_special_tokens_have_no_text() -> None:
    tokenizer = tiny_tokenizer()
    ids = tokenizer.encode("a<|im_start|>b<IMG_CONTEXT>c<|im_end|>", add_special_tokens=False)
    assert "".join(pieces(ids)) == "abc"


def test_detokenizing_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tiny_tokenizer().encode("word " * 400, add_special_tokens=False)
    words, num_decoded = Detokenizer(tiny_tokenizer()), []
    decode = words._decode
    monkeypatch.setattr(words, "_decode", lambda ids: num_decoded.append(len(ids)) or decode(ids))
    for token in ids:
        words.push(token)
    assert len(ids) == 2000
    assert sum(num_decoded) < 4 * len(ids)
