"""Groups of benchmarks run in one go, with one progress line."""

import io
from pathlib import Path

import pytest
from fake_benchmark import Fake, make_fake
from tiny import tiny_assistant

from evaluation import groups
from evaluation.__main__ import main
from evaluation.asking.progress import Bar
from evaluation.benchmarks import BENCHMARKS
from evaluation.groups import GROUPS, expanded


class Second(Fake):
    name = "second"
    title = "Second"


def test_a_group_names_known_benchmarks_and_is_none_itself() -> None:
    for name, members in GROUPS.items():
        assert name not in BENCHMARKS
        assert set(members) <= BENCHMARKS.keys()
        assert expanded([name, members[0]]) == list(members)
    published = {name for name in BENCHMARKS if name not in ("worlds", "photos", "visitors")}
    assert {member for members in GROUPS.values() for member in members} == published


def test_an_unknown_name_is_answered_with_benchmarks_and_groups() -> None:
    with pytest.raises(ValueError, match="'nonsense'; known are videomme, .*groups video, "):
        expanded(["video", "nonsense"])


def test_one_line_counts_the_samples_of_all_benchmarks() -> None:
    out = io.StringIO()
    bar = Bar("3 benchmarks", 0, stream=out, clock=lambda: 0.0, planned={"a": 4, "b": 6, "c": 9})
    assert bar.text().startswith("3 benchmarks [........................] 0/19")
    bar.enter("a", 5, 2)  # one more than planned, two in the log
    bar.add()
    assert bar.text().startswith("a (1 of 3) [")
    assert "3/20" in bar.text()
    bar.leave("b")
    bar.enter("c", 9, 9)
    assert bar.text().startswith("c (3 of 3) [")
    assert "12/14" in bar.text()


def test_a_group_runs_its_benchmarks_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())
    monkeypatch.setitem(BENCHMARKS, "second", Second())
    monkeypatch.setitem(groups.GROUPS, "both", ("fake", "second", "docvqa"))
    for name in ("fake", "second"):
        make_fake(tmp_path / "sets" / name, clips=0, pictures=1)
    assistant = tiny_assistant()
    assistant.close()
    assistant.model.save_pretrained(tmp_path / "tiny")
    assistant.processor.save_pretrained(tmp_path / "tiny")
    words = ["run", "both", "--data", str(tmp_path / "sets"), "--model", str(tmp_path / "tiny")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1  # one of them has no data
    said = capsys.readouterr()
    assert "docvqa: there is no folder" in said.err
    assert "second (2 of 2)" in said.err
    assert "4/4" in said.err
    assert "Fake" in said.out
    assert "Second" in said.out
