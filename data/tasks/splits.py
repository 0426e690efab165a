"""Seeded draws: the classes of a zero-shot split, the classes and clips of few-shot training."""

from collections.abc import Sequence

import numpy as np

SEED = 20250101


def unseen_classes(num_classes: int, split: int, seed: int = SEED) -> list[int]:
    """Returns the classes, by number, that a zero-shot split never trains on: half, rounded down.

    A recipe that trains for the split leaves these out.
    """
    order = np.random.default_rng([seed, split]).permutation(num_classes)
    return sorted(order[: num_classes // 2].tolist())


def drawn_classes(num_classes: int, ways: int, draw: int, seed: int = SEED) -> list[int]:
    """Returns `ways` of the classes, by number. Raises ValueError if there are fewer."""
    if ways > num_classes:
        raise ValueError(f"{ways} classes cannot be drawn from {num_classes}")
    order = np.random.default_rng([seed, 1, draw]).permutation(num_classes)
    return sorted(order[:ways].tolist())


def drawn_clips(labels: Sequence[str], shots: int, draw: int, seed: int = SEED) -> list[int]:
    """Returns `shots` clips of each class, by number. Raises ValueError if one has fewer."""
    rng = np.random.default_rng([seed, 2, draw])
    found: list[int] = []
    for label in sorted(set(labels)):
        clips = [k for k, other in enumerate(labels) if other == label]
        if len(clips) < shots:
            raise ValueError(f"{label!r} has {len(clips)} clips, fewer than {shots} shots")
        found += rng.permutation(clips)[:shots].tolist()
    return sorted(found)
