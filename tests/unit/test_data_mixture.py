"""Mixtures: exact shares, one order for one seed, batches of about equal length."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.mixture import Mixture, draw
from data.record_file import RecordFile
from data.records import RecordError
from data.shuffle import permutation


def line(name: str, words: int) -> str:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "ä" * 4 * words}]},
        {"role": "assistant", "content": "ja"},
    ]
    return json.dumps({"id": name, "messages": messages}, ensure_ascii=False)


def names(sizes: list[int], weights: list[float], num: int, seed: int) -> list[tuple[int, int]]:
    order = draw(sizes, weights, num, seed)
    return list(zip(order.sources.tolist(), order.indices.tolist(), strict=True))


def test_every_source_gives_its_share_to_within_one_record() -> None:
    drawn = names([10, 500, 3, 8], [3, 1, 0.5, 0], 100, seed=0)
    counts = Counter(source for source, _ in drawn)
    assert len(drawn) == 100
    for source, share in enumerate((3 / 4.5, 1 / 4.5, 0.5 / 4.5, 0)):
        assert abs(counts[source] - 100 * share) <= 1


def test_a_source_that_runs_out_starts_over_evenly() -> None:
    counts = Counter(index for _, index in names([10], [1], 35, seed=0))
    assert len(counts) == 10
    assert set(counts.values()) == {3, 4}


def test_the_order_follows_from_the_seed() -> None:
    first = names([50, 50], [1, 2], 60, seed=1)
    assert first == names([50, 50], [1, 2], 60, seed=1)
    assert first != names([50, 50], [1, 2], 60, seed=2)


def test_the_records_of_a_stream_come_in_their_own_order() -> None:
    drawn = names([50, None], [1, 2], 90, seed=1)
    assert [index for source, index in drawn if source == 1] == list(range(60))


def test_a_shuffle_is_the_same_on_every_machine() -> None:
    assert permutation(8, 0, "order").tolist() == [7, 1, 2, 6, 3, 0, 4, 5]
    assert sorted(permutation(1000, 7).tolist()) == list(range(1000))


def test_grouping_keeps_every_record_and_brings_like_lengths_together(tmp_path: Path) -> None:
    words = 1 + permutation(203, "lengths")
    path = tmp_path / "a.jsonl"
    path.write_text("".join(line(str(n), int(n)) + "\n" for n in words), encoding="utf-8")
    file = RecordFile(path)
    order = draw([203], [1], 203, seed=0)
    plain, grouped = Mixture([file], order), Mixture([file], order, batch_size=8)
    names = [record.id for record in grouped]
    assert sorted(names) == sorted(record.id for record in plain)
    assert [grouped[i].id for i in reversed(range(203))] == names[::-1]

    def spread(mixture: Mixture) -> float:
        lengths = [file.rough_length(mixture.find(i)[1]) for i in range(200)]
        batches = np.array(lengths).reshape(-1, 8)
        return float((batches.max(axis=1) - batches.min(axis=1)).mean())

    assert spread(grouped) < spread(plain) / 3


def test_a_source_with_a_weight_needs_records() -> None:
    with pytest.raises(ValueError, match="source 2 has a weight but no records"):
        draw([3, 0], [1, 1], 5, seed=0)


def test_records_are_read_from_their_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([line("a", 9), "", line("b", 50), "{broken", line("c", 1)]))
    file = RecordFile(path)
    assert (len(file), file[0].id, file[1].id, file[3].id) == (4, "a", "b", "c")
    assert file.where(1) == f"{path}, line 3"
    assert file.rough_lengths.tolist() == [19, 60, 0, 11]
    with pytest.raises(RecordError, match=r"a.jsonl, line 4: is not JSON"):
        file[2]
    mixture = Mixture([file], draw([4], [1], 8, seed=0))
    assert [record.id for record in mixture.each()] == ["a", "b", "c"]


def test_a_file_of_records_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="missing.jsonl: cannot be read"):
        RecordFile(tmp_path / "missing.jsonl")
