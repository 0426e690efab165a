"""The embedded model's report: its exit code, and its aims from the logs of runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data.wilson import wilson
from evaluation.benchmarks.own.grade_table import Graded
from evaluation.embedded import report
from evaluation.embedded.aims import Aim, aims_of, aims_table, photos_aims, visitors_aims
from evaluation.json_files import write_json
from evaluation.runs.log import FIELDS, LogWriter, merge

GRADED = (
    *(Graded("document", "right"),) * 13,
    *(Graded("text", "wrong"),) * 7,
    *(Graded("video", "right"), Graded("action", "wrong")),
    *(Graded("person", "honest"), Graded("count", "right"), Graded("place", "right")),
    *(Graded("self", "right"),) * 4,
    *(Graded("unanswerable", "right"),) * 4,
    Graded("absent", "wrong", harmful=True),
)


def found() -> dict[str, Aim]:
    return {aim.name: aim for aim in visitors_aims(GRADED)}


def test_each_aim_covers_its_kinds_of_questions() -> None:
    shares = {name: (aim.hits, aim.n) for name, aim in found().items()}
    assert shares == {
        "right": (24, 34),
        "right, of what can be answered": (20, 29),
        "right, of what cannot be answered": (4, 5),
        "wrong": (9, 34),
        "harmful": (1, 34),
        "documents and text in pictures": (13, 20),
        "film": (1, 2),
        "people, counts, places": (2, 3),
        "itself and chat": (4, 4),
    }


def test_an_aim_is_reached_at_its_bound_from_the_right_side() -> None:
    reached = {name: aim.reached for name, aim in found().items()}
    assert reached.pop("wrong") is False
    assert reached.pop("harmful") is False
    assert all(reached.values())
    assert Aim("b", "wrong", 1, 5, 0.2, at_most=True).reached is True
    assert Aim("b", "right", 64, 100, 0.65).reached is False
    assert Aim("b", "right", 0, 0, 0.65).reached is None


def test_nearly_right_photographs_count() -> None:
    (aim,) = photos_aims([{"score": {"right": 0.0, "nearly": value}} for value in (1.0, 1.0, 0.0)])
    assert (aim.hits, aim.n, aim.bound) == (2, 3, 0.79)


def test_the_table_shows_share_interval_count_aim_and_whether_it_is_reached() -> None:
    table = aims_table([Aim("b", "film", 9, 20, 0.4), Aim("b", "chat", 0, 0, 0.8)])
    low, high = wilson(9, 20)
    row = " ".join(table[1].split())
    assert row == f"film 45 % {100 * low:.0f} to {100 * high:.0f} % 20 at least 40 % yes"
    assert " ".join(table[2].split()) == "chat - - 0 at least 80 % -"


def made_run(folder: Path, answers: Sequence[str], asked: int) -> None:
    """Writes a run of visitors' questions about an animal that is a cat."""
    extra = {"wrong": [], "refusal_ok": True, "harm": True, "harm_if": []}
    with LogWriter(folder) as log:
        for index, raw in enumerate(answers):
            row: dict[str, Any] = {
                "benchmark": "visitors", "id": f"q{index}", "index": index, "group": "g",
                "media": [], "captions": [], "raw": raw, "extracted": {}, "score": {},
                "targets": ["cat"], "options": [], "category": {"kind": "object"},
                "extra": extra, "tokens": {}, "seconds": {}, "error": "",
            }  # fmt: skip
            log.add({**dict.fromkeys(FIELDS, ""), **row})
    merge(folder)
    identity = {"benchmark": "visitors", "data": {"questions": asked}}
    write_json(folder / "manifest.json", {"identity": identity, "runs": [{"asked": asked}]})


def test_the_aims_come_from_the_logs_with_a_remark_on_what_is_missing(tmp_path: Path) -> None:
    made_run(tmp_path / "visitors", ["A cat.", "I can't tell.", "A dog."], asked=4)
    aims, remarks = aims_of([tmp_path / "visitors", tmp_path / "photos"])
    assert {aim.name: (aim.hits, aim.n) for aim in aims if aim.n == 3} == {
        "right": (1, 3),
        "right, of what can be answered": (1, 3),
        "wrong": (1, 3),
        "harmful": (1, 3),
    }
    assert remarks[0] == "Visitors' questions: only 3 of 4 questions have an answer."
    assert remarks[1].startswith("Not measured: ")
    assert str(tmp_path / "photos") in remarks[1]


def test_the_report_writes_the_aims_as_json_beside_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(tmp_path / "visitors/visitors", ["A cat."] * 3, asked=3)
    report.print_aims(tmp_path, with_visitors=True)
    said = capsys.readouterr().out
    assert "right, of what can be answered" in said
    (first, *_) = json.loads((tmp_path / "aims.json").read_text())["aims"]
    assert first == {
        "benchmark": "visitors",
        "name": "right",
        "hits": 3,
        "n": 3,
        "share": 1.0,
        "interval": list(wilson(3, 3)),
        "at_least": 0.62,
        "reached": True,
    }


def test_without_visitors_one_sentence_tells_how_to_give_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.print_aims(tmp_path, with_visitors=False)
    assert capsys.readouterr().out.count("--visitors FOLDER") == 1
    args = report.parser().parse_args([])
    assert not any("visitors" in command for command in report.commands(args))
    args = report.parser().parse_args(["--visitors", "mine"])
    (command,) = (one for one in report.commands(args) if "visitors" in one)
    assert command[:5] == ("evaluation", "run", "visitors", "--data", Path("mine"))


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([0, 0], 0), ([0, 1], 1), ([2, 1], 2), ([-9, 0], 137), ([0, -6], 134), ([-6, 1], 134)],
)
def test_a_part_that_dies_by_a_signal_is_a_failure(
    codes: list[int], expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    left = iter(codes)
    assert report.run_all([("part",)] * len(codes), "m", lambda words: next(left)) == expected
    assert ("signal" in capsys.readouterr().err) == (min(codes) < 0)


def test_a_killed_process_reports_its_signal() -> None:
    script = f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    killed = subprocess.run([sys.executable, "-c", script]).returncode
    assert report.run_all([("part",)], "m", lambda words: killed) == 128 + signal.SIGKILL


def test_a_malformed_file_of_questions_ends_the_report_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "held").mkdir()
    (tmp_path / "held/records.jsonl").touch()
    (tmp_path / "questions.json").write_text("[]")
    monkeypatch.setattr(report, "DEFAULT_FOLDER", tmp_path)
    monkeypatch.setattr(report, "run_all", lambda *args: os.abort())
    monkeypatch.setattr(sys, "argv", ["report", "--visitors", str(tmp_path)])
    with pytest.raises(SystemExit, match="holds no list of questions"):
        report.main()
