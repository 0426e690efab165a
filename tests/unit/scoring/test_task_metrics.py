"""Metrics of video tasks against independent implementations, on nasty random cases."""

import numpy as np
import pytest

from data.tasks.splits import unseen_classes
from evaluation.metrics.average_precision import (
    ClassDetections,
    Matches,
    average_precision,
    mean_average_precision,
)
from evaluation.metrics.episodes import episodes, zero_shot
from evaluation.metrics.ranking import (
    median_rank,
    rank_of,
    recall,
    text_to_video,
    video_to_text,
)
from evaluation.metrics.segments import THUMOS_LEVELS, best_overlap, match_segments
from evaluation.reports.pooled import Pooled, difference_pooled, draws, estimate_pooled
from evaluation.reports.statistics import Unit, estimate

Span = tuple[float, float]
Detection = tuple[str, Span, float]  # video, segment, score


# Ranks


@pytest.mark.parametrize("seed", range(20))
def test_a_rank_is_the_place_in_a_sorted_list_behind_all_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 12) / 5.0
    for right in range(12):
        ordered = sorted(range(12), key=lambda i: (-scores[i], i == right))
        assert rank_of(scores, right) == ordered.index(right) + 1


def test_equal_scores_are_wrong_and_scores_that_are_no_numbers_come_last() -> None:
    assert rank_of(np.zeros(5), 2) == 5
    assert rank_of(np.array([np.nan, 1.0, 0.5]), 0) == 3
    assert rank_of(np.array([np.nan, 1.0, 0.5]), 1) == 2


@pytest.mark.parametrize("seed", range(20))
def test_retrieval_ranks_equal_those_found_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_videos = int(rng.integers(2, 8))
    owners = [*range(num_videos), *rng.integers(0, num_videos, 5).tolist()]
    rng.shuffle(owners)
    table = rng.integers(-3, 4, (len(owners), num_videos)) / 3.0
    of_text = []
    for text, owner in enumerate(owners):
        better = [
            v for v in range(num_videos) if v != owner and table[text, v] >= table[text, owner]
        ]
        of_text.append(1 + len(better))
    assert text_to_video(table, owners).tolist() == of_text
    of_video = []
    for video in range(num_videos):
        own = max(table[t, video] for t in range(len(owners)) if owners[t] == video)
        rivals = [t for t in range(len(owners)) if owners[t] != video and table[t, video] >= own]
        of_video.append(1 + len(rivals))
    assert video_to_text(table, owners).tolist() == of_video
    ranks = np.array(of_text)
    assert recall(ranks, 2) == sum(r <= 2 for r in of_text) / len(of_text)
    middle = sorted(of_text)
    n = len(middle)
    assert median_rank(ranks) == (middle[(n - 1) // 2] + middle[n // 2]) / 2


# Segments: the steps of ActivityNet's evaluation, written out for one level at a time


def official(found: list[Detection], truths: list[tuple[str, Span]], level: float) -> float:
    taken: set[int] = set()
    hits, misses = [], []
    for video, (start, end), _ in sorted(found, key=lambda one: -one[2]):
        rated = []
        for number, (other, (low, high)) in enumerate(truths):
            if other == video:
                inside = max(0.0, min(end, high) - max(start, low))
                union = (end - start) + (high - low) - inside
                rated.append((inside / union if union > 0 else 0.0, -number))
        hit = False
        for overlap, number in sorted(rated, reverse=True):
            if overlap < level:
                break
            if -number not in taken:
                taken.add(-number)
                hit = True
                break
        hits.append(float(hit))
        misses.append(float(not hit))
    tp, fp = np.cumsum(hits), np.cumsum(misses)
    reached = np.hstack([[0], tp / len(truths), [1]])
    precision = np.hstack([[0], tp / np.maximum(tp + fp, 1e-12), [0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    steps = np.where(reached[1:] != reached[:-1])[0] + 1
    return float(np.sum((reached[steps] - reached[steps - 1]) * precision[steps]))


def random_segments(rng: np.random.Generator) -> tuple[list[Detection], list[tuple[str, Span]]]:
    """Segments on a coarse grid, so that overlaps tie and meet the levels exactly."""
    truths, found = [], []
    for video in "abcd":
        for _ in range(rng.integers(0, 4)):
            start = int(rng.integers(0, 10))
            truths.append((video, (float(start), float(start + rng.integers(1, 8)))))
        for _ in range(rng.integers(0, 7)):
            start = int(rng.integers(0, 10))
            # Scores differ: the order of equal ones is not part of the rule.
            span = (float(start), float(start + rng.integers(0, 8)))
            found.append((video, span, float(rng.random())))
    truths += [("a", truths[0][1])] if truths else [("a", (1.0, 4.0))]  # the same segment twice
    return found, truths


def of_video(
    found: list[Detection], truths: list[tuple[str, Span]], video: str, levels: tuple[float, ...]
) -> Matches:
    return match_segments(
        [(span, score) for name, span, score in found if name == video],
        [span for name, span in truths if name == video],
        levels,
    )


@pytest.mark.parametrize("seed", range(60))
def test_average_precision_of_segments_follows_activitynets_rule(seed: int) -> None:
    found, truths = random_segments(np.random.default_rng(seed))
    matches = [of_video(found, truths, video, THUMOS_LEVELS) for video in "abcd"]
    ours = average_precision(matches, "area")
    assert ours is not None
    wanted = [official(found, truths, level) for level in THUMOS_LEVELS]
    np.testing.assert_allclose(ours, wanted, atol=1e-12)


@pytest.mark.parametrize("rule", ["area", "101"])
def test_a_video_that_counts_twice_is_as_two_videos(rule: str) -> None:
    rng = np.random.default_rng(5)
    found, truths = random_segments(rng)
    matches = [of_video(found, truths, video, THUMOS_LEVELS) for video in "abcd"]
    weights = [2, 0, 1, 3]
    repeated = [one for one, n in zip(matches, weights, strict=True) for _ in range(n)]
    np.testing.assert_allclose(
        average_precision(matches, rule, weights), average_precision(repeated, rule)
    )


def test_a_class_without_truth_is_no_class_and_one_without_detections_is_zero() -> None:
    nothing = match_segments([((0, 1), 0.9)], [], (0.5,))
    missed = match_segments([], [(0, 1)], (0.5,))
    right = match_segments([((0, 1), 0.9)], [(0, 1)], (0.5,))
    assert average_precision([nothing], "area") is None
    classes = [ClassDetections([one]) for one in (nothing, missed, right)]
    assert mean_average_precision(classes, "area", np.ones(1, int)).tolist() == [0.5]
    assert mean_average_precision(classes[:1], "101", np.ones(1, int)).tolist() == [0.0]


def test_a_window_is_compared_with_the_nearest_of_several_truths() -> None:
    assert best_overlap((2, 6), [(0, 1), (4, 8)]) == pytest.approx(2 / 6)
    assert best_overlap((2, 6), [(7, 9)]) == 0


# Episodes and splits


def test_features_that_tell_classes_apart_are_right_in_every_episode() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 9)
    features = np.eye(6)[labels] + 0.01 * rng.standard_normal((54, 6))
    groups = [str(i) for i in range(54)]
    for ways in (5, None):
        assert set(episodes(features, labels.tolist(), groups, ways, 5, 50)) == {1.0}


def test_features_without_information_are_at_chance_and_equal_ones_are_wrong() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 60).tolist()
    groups = [str(i) for i in range(480)]
    found = episodes(rng.standard_normal((480, 64)), labels, groups, 5, 5, 400)
    assert abs(np.mean(found) - 0.2) < 0.03
    assert set(episodes(np.ones((480, 16)), labels, groups, 5, 5, 20)) == {0.0}


def test_an_episode_never_asks_about_a_video_that_it_learned_from() -> None:
    """Each source video has a feature of its own, which two of its clips share."""
    rng = np.random.default_rng(0)
    videos = np.repeat(np.arange(24), 2)  # four classes of six videos
    features = np.eye(24)[videos] + 1e-3 * rng.standard_normal((48, 24))
    found = episodes(features, (videos // 6).tolist(), [str(v) for v in videos], 4, 5, 200)
    assert abs(np.mean(found) - 0.25) < 0.08  # a clip of the same video would make it 1


def test_episodes_depend_on_the_seed_alone_and_need_enough_clips() -> None:
    rng = np.random.default_rng(0)
    labels, groups = np.repeat(np.arange(6), 7).tolist(), [str(i) for i in range(42)]
    features = rng.standard_normal((42, 8))
    first = episodes(features, labels, groups, 5, 5, 30)
    assert first == episodes(features, labels, groups, 5, 5, 60)[:30]
    assert first != episodes(features, labels, groups, 5, 5, 30, seed=1)
    assert episodes(features, labels, groups, 5, 7, 30) == []
    assert episodes(features, labels, groups, 7, 5, 30) == []


def test_a_zero_shot_split_asks_only_about_unseen_classes_among_themselves() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 50).tolist()
    scores = rng.random((50, 7))
    seen: dict[int, set[int]] = {}
    for split, clip, right in zero_shot(scores, labels, 4):
        unseen = unseen_classes(7, split)
        assert len(unseen) == 3
        assert labels[clip] in unseen
        assert right == (max(unseen, key=lambda k: scores[clip, k]) == labels[clip])
        seen.setdefault(split, set()).add(clip)
    assert [len(clips) for clips in seen.values()] == [
        sum(label in unseen_classes(7, split) for label in labels) for split in range(4)
    ]
    assert len({tuple(unseen_classes(40, split)) for split in range(10)}) == 10


# Error bars


def test_the_error_of_a_pooled_mean_is_that_of_a_mean_over_videos() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(60)

    def mean(weights: np.ndarray) -> float:
        return float((values * weights).sum() / weights.sum())

    pooled = estimate_pooled(Pooled([str(i) for i in range(60)], mean, 60), 4000)
    plain = estimate([Unit(str(i), float(v)) for i, v in enumerate(values)])
    assert pooled.value == pytest.approx(plain.value)
    assert pooled.standard_error == pytest.approx(plain.standard_error, rel=0.06)
    np.testing.assert_allclose(pooled.interval, plain.interval, atol=0.01)
    same = difference_pooled(Pooled("abc", lambda w: 0.5, 3), Pooled("abc", lambda w: 0.5, 3))
    assert (same.value, same.interval) == (0, (0, 0))


def test_a_pooled_metric_that_does_not_vary_has_wilsons_interval() -> None:
    perfect = estimate_pooled(Pooled("abcdefghi", lambda weights: 1.0, 9))
    assert perfect.value == 1.0
    assert perfect.interval is not None
    assert 0.6 < perfect.interval[0] < 0.75
    assert perfect.interval[1] == 1.0
    assert estimate_pooled(Pooled("a", lambda weights: 1.0, 1)).interval is None
    assert estimate_pooled(Pooled("", lambda weights: 1.0, 0)).value is None
    assert (draws(5, 20, 0).sum(1) == 5).all()
