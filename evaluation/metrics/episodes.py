"""Few-shot episodes and zero-shot splits, drawn from named seeds.

An episode draws C classes, of each some clips to learn from (shots) and one to ask about, and asks
which class mean is nearest in cosine: the features are frozen, and nothing is trained. Clips of one
source video are never on both sides. A zero-shot split halves the classes: half of them are never
trained on, and their clips are classified among them alone.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from data.tasks.splits import SEED, unseen_classes

Features = NDArray[np.floating]
NUM_EPISODES = 1000
NUM_SPLITS = 10  # of zero-shot


def episodes(
    features: Features,
    labels: Sequence[int],
    groups: Sequence[str],
    ways: int | None,
    shots: int,
    num_episodes: int = NUM_EPISODES,
    seed: int = SEED,
) -> list[float]:
    """Returns the accuracy of each episode; none if too few classes have enough clips.

    `features` [B, P] have one row per clip; `ways` None takes every class that has enough clips.
    """
    units = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    of_class = _by_class(labels, groups)
    able = [label for label, found in sorted(of_class.items()) if len(found) > shots]
    if len(able) < (ways or 2):
        return []
    accuracies = []
    for number in range(num_episodes):
        rng = np.random.default_rng([seed, number])
        chosen = rng.permutation(len(able))[:ways]
        means, asked = [], []
        for place in chosen:
            drawn = _draw(rng, of_class[able[place]], shots)
            means.append(units[drawn[:-1]].mean(0))
            asked.append(units[drawn[-1]])
        nearest = _unit(np.stack(means)) @ np.stack(asked).T  # [C, C] of means and clips
        own = nearest.diagonal()
        accuracies.append(float(((nearest >= own).sum(0) == 1).mean()))
    return accuracies


def _by_class(labels: Sequence[int], groups: Sequence[str]) -> dict[int, list[list[int]]]:
    """Class -> the clips of each of its source videos."""
    found: dict[int, dict[str, list[int]]] = {}
    for clip, (label, group) in enumerate(zip(labels, groups, strict=True)):
        found.setdefault(label, {}).setdefault(group, []).append(clip)
    return {label: list(videos.values()) for label, videos in found.items()}


def _draw(rng: np.random.Generator, videos: Sequence[Sequence[int]], shots: int) -> list[int]:
    """Draws one clip of each of `shots` + 1 source videos."""
    chosen = rng.permutation(len(videos))[: shots + 1]
    return [int(rng.choice(videos[place])) for place in chosen]


def _unit(x: Features) -> Features:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def zero_shot(
    scores: Features, labels: Sequence[int], num_splits: int = NUM_SPLITS
) -> Iterator[tuple[int, int, bool]]:
    """Yields split, clip and whether it is right, for the clips of unseen classes of each split."""
    for split in range(num_splits):
        unseen = unseen_classes(scores.shape[1], split)
        place = {label: i for i, label in enumerate(unseen)}
        for clip, label in enumerate(labels):
            if label in place and len(unseen) > 1:
                among = scores[clip, unseen]
                yield split, clip, bool((among >= among[place[label]]).sum() == 1)
