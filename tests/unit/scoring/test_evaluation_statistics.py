"""Means with clustered errors and intervals, and the comparison of two runs."""

import itertools
import math
import random

import numpy as np
import pytest

from evaluation.reports.statistics import Unit, estimate, paired


def plain(values: list[float]) -> list[Unit]:
    return [Unit(f"video {i}", value) for i, value in enumerate(values)]


def test_independent_questions_have_the_textbook_error() -> None:
    values = [1.0, 0.0, 0.0, 1.0, 1.0, 0.25, 0.5, 0.0]
    found = estimate(plain(values))
    assert found.value == pytest.approx(np.mean(values))
    assert found.standard_error == pytest.approx(np.std(values) / math.sqrt(len(values)))
    assert (found.n, found.clusters) == (8, 8)


def test_equal_questions_about_one_video_count_as_one() -> None:
    values = [1.0, 0.0, 0.0, 1.0, 1.0]
    once = estimate(plain(values))
    thrice = estimate([unit for unit in plain(values) for _ in range(3)])
    assert thrice.standard_error == pytest.approx(once.standard_error)
    assert thrice.interval == once.interval
    assert (thrice.n, thrice.clusters) == (15, 5)


def test_the_clustered_error_is_that_of_the_paper() -> None:
    units = [Unit("a", 1.0), Unit("a", 1.0), Unit("a", 0.0), Unit("b", 0.0), Unit("c", 1.0)]
    mean = 3 / 5
    square = sum(  # eq. 4 of arXiv 2411.00640, over all pairs within a cluster
        (one.value - mean) * (other.value - mean)
        for one in units
        for other in units
        if one.group == other.group
    )
    assert estimate(units).standard_error == pytest.approx(math.sqrt(square) / 5)


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
