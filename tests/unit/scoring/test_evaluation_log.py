"""The log of a run: complete lines, even if the writing process is killed."""

from pathlib import Path
from typing import Any

import pytest

from evaluation.runs.log import FIELDS, LogWriter, answered, merge, read_log


def row(name: str, index: int = 0, **changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS, ""), "id": name, "index": index, "raw": "A", **changes}


def test_rows_are_read_back_in_question_order(tmp_path: Path) -> None:
    with LogWriter(tmp_path, 0) as first, LogWriter(tmp_path, 1) as second:
        first.add(row("c", 2))
        second.add(row("b", 1, raw="line\nbreak \u2028 \x00"))
        first.add(row("a", 0))
    found = read_log(tmp_path)
    assert [item["id"] for item in found] == ["a", "b", "c"]
    assert found[1]["raw"] == "line\nbreak \u2028 \x00"


@pytest.mark.parametrize("torn", [b"{", b'{"id": "b", "ind', b"\x00\x00\x00", b'{"id": "b"}'])
def test_an_incomplete_line_is_ignored_and_overwritten(tmp_path: Path, torn: bytes) -> None:
    with LogWriter(tmp_path) as log:
        log.add(row("a"))
    with log.path.open("ab") as file:
        file.write(torn)
    assert [item["id"] for item in read_log(tmp_path)] == ["a"]
    with LogWriter(tmp_path) as log:
        log.add(row("b", 1))
    assert [item["id"] for item in read_log(tmp_path)] == ["a", "b"]


def test_a_torn_first_line_leaves_an_empty_log(tmp_path: Path) -> None:
    (tmp_path / "log.rank0.jsonl").write_bytes(b'{"id": "a"' + b"x" * 100_000)
    with LogWriter(tmp_path) as log:
        log.add(row("b"))
    assert [item["id"] for item in read_log(tmp_path)] == ["b"]


def test_answers_take_precedence_over_failures_and_later_answers_over_earlier_ones(
    tmp_path: Path,
) -> None:
    with LogWriter(tmp_path) as log:
        log.add(row("a", error="broken", raw=None))
        log.add(row("a", raw="first"))
        log.add(row("a", raw="second"))
        log.add(row("a", error="broken again", raw=None))
        log.add(row("b", 1, error="broken", raw=None))
    found = read_log(tmp_path)
    assert [item["raw"] for item in found] == ["second", None]
    assert answered(found) == {"a"}


def test_an_interrupted_merge_keeps_every_sample(tmp_path: Path) -> None:
    for rank in range(3):
        with LogWriter(tmp_path, rank) as log:
            log.add(row(f"sample {rank}", rank))
    parts = {path: path.read_bytes() for path in tmp_path.glob("log.rank*")}
    rows = merge(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    for path, content in parts.items():  # as if killed before deleting them
        path.write_bytes(content)
    assert read_log(tmp_path) == merge(tmp_path) == rows
    assert len(rows) == 3


def test_a_line_edited_by_hand_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"id": "a", "index": 0, "error": ""}\n{"id": 1\n')
    with pytest.raises(ValueError, match=r"log\.jsonl, line 2 is not a line of a log"):
        read_log(tmp_path)


def test_a_lone_surrogate_can_be_logged(tmp_path: Path) -> None:
    with LogWriter(tmp_path) as log:
        log.add(row("a", raw="\ud83d"))
    assert read_log(tmp_path)[0]["raw"] == "\ud83d"
