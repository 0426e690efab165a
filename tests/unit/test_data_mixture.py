"""Mixtures: exact shares, one order for one seed, batches of about equal length."""

from collections import Counter

import pytest

from data.mixture import draw, group_by_length, rough_length
from data.records import Message, Record, Text


def source(name: str, num: int, words: int = 3) -> list[Record]:
    def record(index: int) -> Record:
        said = Text("word " * (words + index))
        return Record(f"{name}-{index}", (Message("user", (said,)), Message("assistant", (said,))))

    return [record(index) for index in range(num)]


def test_every_source_gives_its_share_to_within_one_record() -> None:
    drawn = draw([source("a", 10), source("b", 500), source("c", 3)], [3, 1, 0.5], 100, seed=0)
    counts = Counter(record.id[0] for record in drawn)
    assert len(drawn) == 100
    for name, share in zip("abc", (3 / 4.5, 1 / 4.5, 0.5 / 4.5), strict=True):
        assert abs(counts[name] - 100 * share) <= 1


def test_a_source_that_runs_out_starts_over_evenly() -> None:
    counts = Counter(record.id for record in draw([source("a", 10)], [1], 35, seed=0))
    assert set(counts.values()) == {3, 4}


def test_the_order_follows_from_the_seed() -> None:
    sources, weights = [source("a", 50), source("b", 50)], [1, 2]
    first = [record.id for record in draw(sources, weights, 60, seed=1)]
    assert first == [record.id for record in draw(sources, weights, 60, seed=1)]
    assert first != [record.id for record in draw(sources, weights, 60, seed=2)]


def test_grouping_keeps_every_record_and_brings_like_lengths_together() -> None:
    records = draw([source("a", 200)], [1], 203, seed=0)
    grouped = group_by_length(records, 8, seed=0)
    assert Counter(r.id for r in grouped) == Counter(r.id for r in records)

    def spread(order: list[Record]) -> float:
        batches = [order[i : i + 8] for i in range(0, len(order), 8)]
        return sum(
            max(map(rough_length, batch)) - min(map(rough_length, batch)) for batch in batches
        ) / len(batches)

    assert spread(grouped) < spread(records) / 4


def test_a_source_with_a_weight_needs_records() -> None:
    with pytest.raises(ValueError, match="source 2 has a weight but no records"):
        draw([source("a", 3), []], [1, 1], 5, seed=0)
