"""Means with clustered errors and intervals, and the comparison of two runs."""

import itertools
import math
import random

import numpy as np
import pytest
import scipy.stats

from evaluation.reports.statistics import Unit, estimate, paired


def plain(values: list[float]) -> list[Unit]:
    return [Unit(f"video {i}", value) for i, value in enumerate(values)]


def test_independent_questions_have_the_textbook_error() -> None:
    values = [1.0, 0.0, 0.0, 1.0, 1.0, 0.25, 0.5, 0.0]
    found = estimate(plain(values))
    assert found.value == pytest.approx(np.mean(values))
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert found.standard_error == pytest.approx(error)
    assert (found.n, found.clusters) == (8, 8)


def test_equal_questions_about_one_video_count_as_one() -> None:
    values = [1.0, 0.0, 0.0, 1.0, 1.0]
    once = estimate(plain(values))
    thrice = estimate([unit for unit in plain(values) for _ in range(3)])
    # Eq. 4 adds 1 / (n - 1) of the variance of single questions to the covariances in clusters.
    variance = np.var(values)
    assert once.standard_error == pytest.approx(math.sqrt(variance / 5 * (1 + 1 / 4)))
    assert thrice.standard_error == pytest.approx(math.sqrt(variance / 5 + variance / 15 / 14))
    assert thrice.interval == once.interval
    assert (thrice.n, thrice.clusters) == (15, 5)


def equation_4(scores: list[float], clusters: list[str]) -> float:
    """Eq. 4 of arXiv 2411.00640, pair by pair; the error of the paper's eq. 1 has n - 1."""
    n = len(scores)
    mean = sum(scores) / n
    single = sum((score - mean) ** 2 for score in scores) / (n - 1) / n
    pairs = sum(
        (scores[i] - mean) * (scores[j] - mean)
        for i in range(n)
        for j in range(n)
        if i != j and clusters[i] == clusters[j]
    )
    return math.sqrt(max(0.0, single + pairs / n**2))


def test_the_clustered_error_is_that_of_the_paper() -> None:
    units = [Unit("a", 1.0), Unit("a", 1.0), Unit("a", 0.0), Unit("b", 0.0), Unit("c", 1.0)]
    expected = equation_4([unit.value for unit in units], [unit.group for unit in units])
    assert estimate(units).standard_error == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(40))
def test_the_clustered_error_is_that_of_the_paper_in_random_cases(seed: int) -> None:
    generator = random.Random(seed)
    n, clusters = generator.randint(3, 40), generator.randint(2, 12)
    values = generator.choice([(0.0, 1.0), (0.0, 0.3, 1.0), (1.0, 1.0, 1.0, 0.0), (0.5, 0.75)])
    units = [
        Unit(f"video {generator.randrange(clusters)}", generator.choice(values)) for _ in range(n)
    ]
    found = estimate(units, resamples=200)
    if found.clusters < 2:
        return
    expected = equation_4([unit.value for unit in units], [unit.group for unit in units])
    assert found.standard_error == pytest.approx(expected, abs=1e-9)
    assert found.value is not None
    assert found.interval is not None
    low, high = found.interval
    assert 0 <= low <= found.value <= high <= 1
    assert high > low


@pytest.mark.parametrize("seed", range(20))
def test_the_error_of_a_mean_of_nested_strata_adds_their_errors(seed: int) -> None:
    generator = random.Random(seed)
    strata = {
        f"task {k}": [
            Unit(
                f"video {k}-{generator.randrange(4)}", float(generator.random() < 0.6), f"task {k}"
            )
            for _ in range(generator.randint(2, 12))
        ]
        for k in range(generator.randint(2, 5))
    }
    errors = [
        equation_4([unit.value for unit in units], [unit.group for unit in units])
        for units in strata.values()
    ]
    # A mean of K values has their error divided by K; within a stratum, eq. 4 can be negative.
    found = estimate([unit for units in strata.values() for unit in units], resamples=200)
    if all(errors):
        expected = math.sqrt(sum(error**2 for error in errors)) / len(errors)
        assert found.standard_error == pytest.approx(expected, abs=1e-9)
    assert found.interval is not None
    assert found.value is not None
    assert found.interval[0] < found.interval[1]
    assert found.interval[0] <= found.value <= found.interval[1]


@pytest.mark.parametrize("right", [0, 9])
def test_no_or_only_right_answers_have_wilson_s_interval(right: int) -> None:
    found = estimate(plain([float(right > 0)] * 9))
    expected = scipy.stats.binomtest(right, 9).proportion_ci(method="wilson")
    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_questions_about_one_video_count_as_one_where_all_agree() -> None:
    found = estimate([Unit(f"video {i % 3}", 0.0) for i in range(9)])
    expected = scipy.stats.binomtest(0, 3).proportion_ci(method="wilson")
    assert found.interval == pytest.approx((0, expected.high), abs=1e-4)


def test_videos_with_equal_shares_do_not_have_an_interval_of_one_point() -> None:
    found = estimate([Unit(f"video {i % 3}", float(i < 3)) for i in range(6)])
    expected = scipy.stats.binomtest(15, 30).proportion_ci(method="wilson")
    assert found.interval is not None
    assert found.interval[0] < expected.low < expected.high < found.interval[1]


def test_a_stratum_without_variation_stays_in_the_interval() -> None:
    units = [Unit(f"many {i}", 1.0, "many") for i in range(8)]
    units += [Unit(f"few {i}", 0.0, "few") for i in range(2)]
    found = estimate(units)
    many, few = (
        scipy.stats.binomtest(right, n).proportion_ci(method="wilson")
        for right, n in ((8, 8), (0, 2))
    )
    assert found.value == 0.5
    # Half of each stratum's own margin, because the mean has two strata.
    assert found.interval == pytest.approx((0.5 - (1 - many.low) / 2, 0.5 + few.high / 2), abs=1e-4)


def test_a_rare_stratum_is_part_of_every_resample() -> None:
    generator = random.Random(4)
    units = [Unit(f"many {i}", float(generator.random() < 0.9), "many") for i in range(60)]
    units += [Unit("few 0", 0.0, "few"), Unit("few 1", 0.4, "few")]
    found = estimate(units)
    assert found.interval is not None
    # Without the rare stratum, whose mean is 0.2, a resample would be about 0.9.
    assert found.interval[1] < 0.5 * (1.0 + 0.4) + 1e-9


def test_a_run_that_wins_everywhere_has_an_interval_as_well() -> None:
    first = {str(i): Unit(str(i), 0.0) for i in range(5)}
    second = {str(i): Unit(str(i), 1.0) for i in range(5)}
    found = paired(first, second)
    expected = scipy.stats.binomtest(5, 5).proportion_ci(method="wilson")
    assert found.difference.interval == pytest.approx((2 * expected.low - 1, 1), abs=1e-4)
    assert found.differ


def test_the_interval_includes_the_value_and_spans_about_four_errors() -> None:
    generator = random.Random(3)
    found = estimate(plain([float(generator.random() < 0.6) for _ in range(400)]))
    assert found.value is not None
    assert found.standard_error is not None
    assert found.interval
    low, high = found.interval
    assert low < found.value < high
    assert high - low == pytest.approx(2 * 1.96 * found.standard_error, rel=0.05)


def test_the_interval_equals_that_of_all_possible_resamples() -> None:
    clusters = {"a": [1, 1, 0], "b": [0.2], "c": [1, 0.5], "d": [0, 0, 0, 1], "e": [0.9]}
    means = [
        sum(value for cluster in drawn for value in cluster) / sum(map(len, drawn))
        for drawn in itertools.product(clusters.values(), repeat=len(clusters))
    ]
    expected = np.quantile(means, (0.025, 0.975), method="inverted_cdf")
    units = [Unit(group, value) for group, values in clusters.items() for value in values]
    assert estimate(units, resamples=100_000).interval == pytest.approx(expected, abs=0.005)


def test_the_error_of_a_mean_of_strata_matches_a_cluster_bootstrap() -> None:
    generator = random.Random(1)
    units = [
        Unit(f"video {i // 2}", float(generator.random() < 0.4 + 0.1 * (i % 3)), f"task {i % 3}")
        for i in range(600)
    ]
    by_cluster: dict[str, list[Unit]] = {}
    for unit in units:
        by_cluster.setdefault(unit.group, []).append(unit)
    values = []
    for _ in range(2000):
        strata: dict[str, list[float]] = {}
        for cluster in generator.choices(list(by_cluster.values()), k=len(by_cluster)):
            for unit in cluster:
                strata.setdefault(unit.stratum, []).append(unit.value)
        values.append(np.mean([np.mean(found) for found in strata.values()]))
    assert estimate(units).standard_error == pytest.approx(np.std(values), rel=0.06)


def test_the_order_of_units_does_not_matter() -> None:
    units = [Unit(f"video {i % 7}", i / 37) for i in range(37)]
    shuffled = units.copy()
    random.Random(0).shuffle(shuffled)
    assert estimate(units) == estimate(shuffled)


def test_strata_have_equal_weight_regardless_of_size() -> None:
    units = [Unit(str(i), 1.0, "many") for i in range(90)] + [Unit("x", 0.0, "few")]
    found = estimate(units)
    assert found.value == 0.5
    assert found.standard_error == pytest.approx(0.0)


def test_too_few_clusters_give_no_error() -> None:
    assert estimate([]).value is None
    alone = estimate([Unit("a", 1.0), Unit("a", 0.0)])
    assert (alone.value, alone.standard_error, alone.interval) == (0.5, None, None)


def test_percent_scales_value_error_and_interval_together() -> None:
    found = estimate(plain([1.0, 0.0, 1.0]))
    scaled = found.scaled(100)
    assert scaled.value == pytest.approx(100 * 2 / 3)
    assert scaled.standard_error == pytest.approx(100 * found.standard_error)  # type: ignore[operator]
    assert scaled.interval == (0.0, 100.0)
    assert scaled.n == 3


def test_a_small_but_steady_difference_is_found_by_pairing() -> None:
    generator = random.Random(1)
    first = {str(i): Unit(str(i), generator.random()) for i in range(100)}
    second = {name: Unit(name, unit.value + 0.01) for name, unit in first.items()}
    found = paired(first, second)
    assert found.differ
    assert found.difference.value == pytest.approx(0.01)
    assert (found.only_first, found.only_second) == (0, 100)


def test_a_run_does_not_differ_from_itself() -> None:
    run = {str(i): Unit(str(i), float(i % 2)) for i in range(10)}
    found = paired(run, run)
    assert found.differ is False
    assert found.difference.interval == (0.0, 0.0)


def test_runs_without_a_common_question_are_refused() -> None:
    with pytest.raises(ValueError, match="no scored question in common"):
        paired({"a": Unit("a", 1.0)}, {"b": Unit("b", 1.0)})
