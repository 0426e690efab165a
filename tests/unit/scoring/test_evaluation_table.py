"""Many runs beside many benchmarks, the cost of an answer, and the cards of two runs.

The logs are written here, so no model is needed.
"""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from fake_benchmark import Fake

from evaluation.__main__ import main
from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import read_json, write_json
from evaluation.reports import times
from evaluation.reports.costs import cost_cells, cost_of
from evaluation.reports.run_table import many_runs
from evaluation.reports.run_table_files import csv_text, html, markdown
from evaluation.reports.tables import speed
from evaluation.runs.card import card, code_hash, unlike, write_card
from evaluation.runs.log import LogWriter, merge

LETTERS = "ABCD"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())


def row(number: int, right: bool, **more: Any) -> dict[str, Any]:
    """A line of a log; the mode "strict" of the fake benchmark reads its letter."""
    letter = LETTERS[number % 4]
    return {
        "benchmark": "fake",
        "id": f"q{number}",
        "index": number,
        "group": f"clip{number}.mp4",
        "prompt": f"Which one, {number}?",
        "system": "",
        "media": [],
        "captions": [],
        "raw": letter if right else LETTERS[(number + 1) % 4],
        "extracted": {},
        "score": {},
        "targets": [letter],
        "options": [],
        "category": {"kind": "video"},
        "extra": {},
        "tokens": {"input": 100 + number, "output": 2, "visual": 64},
        "seconds": {"media": 0.5, "prefill": 0.25, "decode": 0.25},
        "error": "",
        **more,
    }


def write_run(folder: Path, right: list[bool], questions: str = "same", **model: Any) -> Path:
    """Writes a complete run of as many questions as there are answers."""
    about = {"name": folder.name, "sha256": "0", "parameters": 1, "dtype": "float32"}
    identity = {
        "benchmark": "fake",
        "model": {**about, "attention": "sdpa", **model},
        "asked": {"media": True, "num_frames": 3, "max_tiles": None, "looks": None,
                  "max_new_tokens": 6, "split": "test", "prompt": "default", "subtitles": None},
        "data": {"questions": len(right), "questions_sha256": questions, "files": {"a": "1"}},
        "protocol": {"version": 1, "prompts": "p"},
    }  # fmt: skip
    session = {"asked": len(right), "code": "c", "packages": {"torch": "2"}}
    media = {"clip.mp4": "5-abc", "subtitles of clip": "2-d"}
    write_json(
        folder / "fake/manifest.json", {"identity": identity, "media": media, "runs": [session]}
    )
    with LogWriter(folder / "fake") as log:
        for number, one in enumerate(right):
            log.add(row(number, one))
    merge(folder / "fake")
    return folder


def test_a_difference_that_is_more_than_chance_is_marked(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", [n % 2 == 0 for n in range(40)])
    better = write_run(tmp_path / "better", [n % 20 != 1 for n in range(40)])
    alike = write_run(tmp_path / "alike", [n % 2 == (n > 3) for n in range(40)])
    table = many_runs([first, better, alike], "strict")
    marks = {run: table.cells["fake", run].mark for run in table.runs}
    assert marks == {"first": "", "better": "▲", "alike": ""}
    assert [table.cells["fake", run].value for run in table.runs] == [50.0, 95.0, 50.0]
    reversed_ = many_runs([better, first], "strict")
    assert reversed_.cells["fake", "first"].mark == "▼"


def test_the_table_has_costs_and_is_written_in_three_forms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = write_run(tmp_path / "ours", [True, False, True])
    peer = write_run(tmp_path / "peer", [True] * 3, server="http://here/v1")
    words = ["table", str(ours), str(peer), "--out", str(tmp_path / "t"), "--mode", "strict"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "| Fake (strict) | 66.7" in said
    assert (tmp_path / "t/table.md").read_text() in said
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t/table.csv").read_text())))
    assert [(one["run"], one["value"], one["visual_tokens"]) for one in rows] == [
        ("ours", "66.66666667", "64.0"),
        ("peer", "100.0", ""),  # an address tells none
    ]
    assert (rows[0]["input_tokens"], rows[0]["seconds"]) == ("101.0", "1.0")
    page = (tmp_path / "t/table.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "66.7" in page


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", [True] * 4)
    other = write_run(tmp_path / "other", [False] * 4, questions="others")
    part = write_run(tmp_path / "part", [True] * 4)
    known = read_json(part / "fake/manifest.json")
    known["runs"][0]["asked"], known["identity"]["data"]["questions"] = 9, 9
    write_json(part / "fake/manifest.json", known)
    table = many_runs([first, other, part], "strict")
    line = next(line for line in markdown(table) if line.startswith("| Fake"))
    assert line.count("‡") == 1
    assert "- †" in line
    assert "part,part,,,,4,,strict,partial" in csv_text(table)
    assert "&lt;b&gt;" not in html(table)


def test_runs_are_named_by_the_ends_of_their_paths(tmp_path: Path) -> None:
    for name in ("a/out", "b/out"):
        write_run(tmp_path / name, [True])
    assert many_runs([tmp_path / "a/out", tmp_path / "b/out"]).runs == ("a/out", "b/out")
    with pytest.raises(ValueError, match="the same folder"):
        many_runs([tmp_path / "a/out", tmp_path / "a/../a/out"])
    with pytest.raises(ValueError, match="holds no run"):
        many_runs([tmp_path / "nowhere"])


def test_a_failed_sample_costs_nothing() -> None:
    rows = [row(0, True), row(1, True, error="broken", raw=None)]
    cost = cost_of(rows)
    assert cost is not None
    assert (cost.input_tokens, cost.seconds) == (100.0, 1.0)
    assert cost_of([rows[1]]) is None
    assert cost_cells(None) == ["-"] * 4


def test_equal_runs_have_equal_cards_and_a_difference_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_run(tmp_path / "here/x", [True, False])
    other = write_run(tmp_path / "there/x", [True, False])
    assert card(one / "fake") == card(other / "fake")
    assert write_card(one / "fake").read_text().startswith("benchmark: fake\nmodel name: x\n")
    assert main(["same", str(one), str(other)]) == 0
    assert "fake: the same." in capsys.readouterr().out

    known = read_json(other / "fake/manifest.json")
    known["media"]["clip.mp4"] = "6-abc"
    known["runs"][0]["code"] = "d"
    known["identity"]["asked"]["num_frames"] = 8
    write_json(other / "fake/manifest.json", known)
    assert main(["same", str(one), str(other)]) == 1
    said = capsys.readouterr().out
    assert "fake: 4 lines differ." in said
    assert "asked num_frames: 3 | 8" in said
    assert "code: c | d" in said
    assert "file clip.mp4: 5-abc | 6-abc" in said
    assert len(unlike(one / "fake", other / "fake")) == 4


def test_other_answers_differ_in_the_card(tmp_path: Path) -> None:
    one = write_run(tmp_path / "a/x", [True, False])
    other = write_run(tmp_path / "b/x", [True, True])
    (line,) = unlike(one / "fake", other / "fake")
    assert line.startswith("answers: 2, ")


def test_a_benchmark_that_one_run_lacks_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = write_run(tmp_path / "a", [True]), write_run(tmp_path / "b", [True])
    for name in ("second", "third"):
        (other / name).mkdir()
        write_json(other / name / "manifest.json", read_json(other / "fake/manifest.json"))
    assert main(["same", str(one), str(other)]) == 1
    assert "second: only in B." in capsys.readouterr().out


def test_the_code_s_hash_knows_every_source_file(tmp_path: Path) -> None:
    (tmp_path / "vlm").mkdir()
    (tmp_path / "vlm/a.py").write_text("x = 1\n")
    before = code_hash(tmp_path)
    (tmp_path / "vlm/a.py").write_text("x = 2\n")
    assert code_hash(tmp_path) != before
    (tmp_path / "vlm/a.py").write_bytes(b"x = 1\r\n")
    assert code_hash(tmp_path) == before


def test_the_column_of_times_is_written_by_a_command(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [True, False])
    page = tmp_path / "page.md"
    before = (
        "# Title\n\n| name | seconds per answer |\n|---|---|\n| `fake` | - |\n| `other` | - |\n"
    )
    page.write_text(f"{before}\n| `fake` | other table |\n")
    assert times.main([str(run), str(page)]) == 0
    assert page.read_text() == (
        before.replace("| `fake` | - |", "| `fake` | 1.0 (n = 2) |")
        + "\n| `fake` | other table |\n"
    )
    page.write_text("no table")
    assert times.main([str(run), str(page)]) == 2
    assert page.read_text() == "no table"
    document = Path(__file__).parents[3] / "docs/evaluation.md"
    assert times.filled(document.read_text(encoding="utf-8"), {}).startswith("# Evaluation")


def test_the_speed_of_an_encoder_has_no_tokens_of_text() -> None:
    last = {
        "samples_per_second": 2.0, "visual_tokens_per_second": 64.0, "peak_bytes": 2**30,
        "prefill_tokens_per_second": 0.0, "decode_tokens_per_second": 0.0, "processes": 1,
    }  # fmt: skip
    wanted = "Kinetics: 2.00 samples/s, 64 visual tokens/s, peak memory 1.00 GB, 1 process."
    assert speed("Kinetics", last) == wanted
    both = last | {"prefill_tokens_per_second": 30.0, "decode_tokens_per_second": 4.0}
    assert " prefill 30 and decode 4 tokens/s, peak" in speed("Video-MME", both)
