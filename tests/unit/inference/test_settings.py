"""Settings of a question, of a model, and both together."""

import pytest
import torch
from transformers import GenerationConfig

from vlm.inference.decoding.sampler import Sampler
from vlm.inference.settings import Sampling, Settings

QWEN3 = Sampling(temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.0)


def test_without_a_config_a_model_is_greedy_with_our_penalty() -> None:
    assert Sampling.of(None) == Sampling(0.0, 1.0, 0, 1.1)
    assert Sampling.of(GenerationConfig()) == Sampling(0.0, 1.0, 0, 1.1)


def test_a_temperature_counts_only_where_the_folder_samples() -> None:
    assert Sampling.of(GenerationConfig(temperature=0.7, top_p=0.8)).temperature == 0.0
    given = GenerationConfig(
        do_sample=True, temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.0
    )
    assert Sampling.of(given) == QWEN3


def test_impossible_values_of_a_folder_are_clamped() -> None:
    given = GenerationConfig(do_sample=True, temperature=0.01, repetition_penalty=1.2)
    given.temperature, given.top_p, given.repetition_penalty = 1e9, 7.0, -3.0
    chosen = Sampling.of(given)
    Settings(
        temperature=chosen.temperature,
        top_p=chosen.top_p,
        repetition_penalty=chosen.repetition_penalty,
    )


def test_what_a_question_sets_goes_before_the_models_own() -> None:
    assert Settings().sampling(QWEN3) == QWEN3
    assert Settings(top_p=0.5).sampling(QWEN3) == Sampling(0.7, 0.5, 20, 1.0)
    assert Settings(temperature=0.7).sampling(QWEN3) == QWEN3
    assert Settings(repetition_penalty=1.3).sampling(QWEN3).repetition_penalty == 1.3


def test_another_temperature_chooses_among_all_tokens() -> None:
    assert Settings(temperature=1.0).sampling(QWEN3) == Sampling(1.0, 1.0, 0, 1.0)
    assert Settings(temperature=0.0).sampling(QWEN3).temperature == 0.0


def test_top_k_leaves_the_most_likely_tokens() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.9, -1.0]])
    sampler = Sampler(Settings(temperature=5.0, top_k=2, repetition_penalty=1.0, seed=1))
    assert {sampler.choose(logits) for _ in range(40)} == {1, 2}


@pytest.mark.parametrize("settings", [{"top_k": -1}, {"top_p": 0.0}, {"temperature": -1.0}])
def test_impossible_settings_are_refused(settings: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        Settings(**settings)
