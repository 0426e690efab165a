"""Mixtures: exact shares, an order determined by the seed, batches of about equal length."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.records import RecordError
from data.sources.mixture import Mixture, draw_order
from data.sources.record_file import RecordFile
from data.sources.shuffle import permutation


def line(name: str, words: int) -> str:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "ä" * 4 * words}]},
        {"role": "assistant", "content": "ja"},
    ]
    return json.dumps({"id": name, "messages": messages}, ensure_ascii=False)


def written(path: Path, num: int) -> RecordFile:
    path.write_text("".join(line(f"{path.stem}{n}", n + 1) + "\n" for n in range(num)))
    return RecordFile(path)


def test_every_source_contributes_its_share_to_within_one_record() -> None:
    order = draw_order([3, 1, 0.5, 0], 100, seed=0)
    assert len(order) == 100
    for source, share in enumerate((3 / 4.5, 1 / 4.5, 0.5 / 4.5, 0)):
        assert abs(int((order.sources == source).sum()) - 100 * share) <= 1
        assert order.counts[source] == (order.sources == source).sum()


def test_a_source_starts_a_new_epoch_in_a_new_order(tmp_path: Path) -> None:
    mixture = Mixture([written(tmp_path / "a.jsonl", 10)], draw_order([1], 35, seed=0))
    ids = [record.id for record in mixture]
    assert set(ids[:10]) == set(ids[10:20])
    assert ids[:10] != ids[10:20]
    assert set(Counter(ids).values()) == {3, 4}


def test_the_seed_determines_the_order(tmp_path: Path) -> None:
    files = [written(tmp_path / "a.jsonl", 50), written(tmp_path / "b.jsonl", 50)]

    def ids(seed: int) -> list[str]:
        return [record.id for record in Mixture(files, draw_order([1, 2], 60, seed), seed=seed)]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_a_mixture_longer_than_its_order_continues_every_source(tmp_path: Path) -> None:
    files = [written(tmp_path / "a.jsonl", 30), written(tmp_path / "b.jsonl", 30)]
    mixture = Mixture(files, draw_order([2, 1], 9, seed=0), length=45)
    ids = [record.id for record in mixture]
    assert [record.id for record in Mixture(files, draw_order([2, 1], 9, seed=0))] == ids[:9]
    counts = Counter(ids)
    assert sum(counts[name] for name in counts if name[0] == "a") == 30
    assert set(counts.values()) == {1}


def test_a_shuffle_is_the_same_on_every_machine() -> None:
    assert permutation(8, 0, "order").tolist() == [7, 1, 2, 6, 3, 0, 4, 5]
    assert sorted(permutation(1000, 7).tolist()) == list(range(1000))


def test_grouping_keeps_every_record_and_joins_equal_lengths(tmp_path: Path) -> None:
    words = 1 + permutation(203, "lengths")
    path = tmp_path / "a.jsonl"
    path.write_text("".join(line(str(n), int(n)) + "\n" for n in words), encoding="utf-8")
    file = RecordFile(path)
    order = draw_order([1], 203, seed=0)
    plain, grouped = Mixture([file], order), Mixture([file], order, batch_size=8)
    names = [record.id for record in grouped]
    assert sorted(names) == sorted(record.id for record in plain)
    assert [grouped[i].id for i in reversed(range(203))] == names[::-1]

    def spread(mixture: Mixture) -> float:
        lengths = [file.rough_length(mixture.find(i)[1]) for i in range(200)]
        batches = np.array(lengths).reshape(-1, 8)
        return float((batches.max(axis=1) - batches.min(axis=1)).mean())

    assert spread(grouped) < spread(plain) / 3


def test_a_source_with_a_weight_needs_records(tmp_path: Path) -> None:
    files = [written(tmp_path / "a.jsonl", 3), written(tmp_path / "b.jsonl", 0)]
    with pytest.raises(ValueError, match="b.jsonl: has a weight but no records"):
        Mixture(files, draw_order([1, 1], 5, seed=0))
    assert len(Mixture(files, draw_order([1, 0], 5, seed=0))) == 5


def test_records_are_read_by_the_offset_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([line("a", 9), "", line("b", 50), "{broken", line("c", 1)]))
    file = RecordFile(path)
    assert (len(file), file[0].id, file[1].id, file[3].id) == (4, "a", "b", "c")
    assert file.where(1) == f"{path}, line 3"
    assert file.rough_lengths.tolist() == [19, 60, 0, 11]
    with pytest.raises(RecordError, match=r"a.jsonl, line 4: is not JSON"):
        file[2]
    mixture = Mixture([file], draw_order([1], 8, seed=0))
    assert [record.id for record in mixture.distinct_records()] == ["a", "b", "c"]


def test_an_error_names_a_missing_record_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="missing.jsonl: cannot be read"):
        RecordFile(tmp_path / "missing.jsonl")
