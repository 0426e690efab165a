"""Simulated classifier outputs have the requested probability."""

import numpy as np
import pytest
import torch

from data.embedded.classifier import SimulatedClassifier


@pytest.fixture(scope="module")
def classifier() -> SimulatedClassifier:
    torch.manual_seed(0)
    return SimulatedClassifier.of(torch.randn(50, 32), (8, 8))


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.95])
def test_the_mean_over_patches_has_the_requested_confidence(
    classifier: SimulatedClassifier, confidence: float
) -> None:
    logits = classifier.logits(7, confidence, seed=3).mean(axis=0)
    shares = np.exp(logits - logits.max())
    assert shares[7] / shares.sum() == pytest.approx(confidence, abs=0.01)


def test_the_seed_determines_the_logits(classifier: SimulatedClassifier) -> None:
    first = classifier.logits(7, 0.5, seed=3)
    assert first.shape == (64, 50)
    assert np.array_equal(first, classifier.logits(7, 0.5, seed=3))
    assert not np.array_equal(first, classifier.logits(7, 0.5, seed=4))


def test_the_class_is_concentrated_in_a_part_of_the_grid(classifier: SimulatedClassifier) -> None:
    of_class = classifier.logits(7, 0.9, seed=5)[:, 7]
    assert of_class.max() - of_class.min() > of_class.mean()
