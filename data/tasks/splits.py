"""Seeded zero-shot splits: which classes a model never trains on, and is then asked about."""

import numpy as np

SEED = 20250101


def unseen_classes(num_classes: int, split: int, seed: int = SEED) -> list[int]:
    """Returns the classes, by number, that a zero-shot split never trains on: half, rounded down.

    A recipe that trains for the split leaves these out.
    """
    order = np.random.default_rng([seed, split]).permutation(num_classes)
    return sorted(order[: num_classes // 2].tolist())
