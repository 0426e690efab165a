"""The shipped check of the caches passes, and fails for caches that are wrong."""

from collections.abc import Iterator, Sequence

import pytest
from tiny import tiny_assistant
from transformers import DynamicCache, PreTrainedModel

from vlm.assistant import Assistant
from vlm.inference.caches import PrefixCache, prompt_rows
from vlm.inference.verify import verify_cache


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    made = tiny_assistant()
    yield made
    made.close()


def test_a_cached_turn_about_a_film_is_the_fresh_one(assistant: Assistant) -> None:
    before = assistant.media, assistant.prefixes
    check = verify_cache(assistant)
    assert check.passed, check.sentence
    assert check.reused_tokens > 20
    assert (assistant.media, assistant.prefixes) == before


def test_a_cache_that_mixes_up_two_films_of_one_length_is_found_out(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(ids: Sequence[int], media: object, image_token_id: int) -> list[int]:
        return list(ids)  # as if pictures counted as their placeholder

    monkeypatch.setattr("vlm.inference.reply.prompt_rows", blind)
    assert prompt_rows is not blind
    check = verify_cache(assistant)
    assert not check.passed
    assert "FAILED" in check.sentence


def test_stale_keys_and_values_are_found_out(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = PrefixCache.fork

    def stale(self: PrefixCache, model: PreTrainedModel, rows: Sequence[int]) -> DynamicCache:
        cache = fork(self, model, rows)
        for layer in cache.layers:
            if layer.get_seq_length():
                layer.values = layer.values.roll(1, dims=2)
        return cache

    monkeypatch.setattr(PrefixCache, "fork", stale)
    assert not verify_cache(assistant).passed
