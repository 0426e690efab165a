"""Table, JSON file and HTML report from a log; comparison of two logs. Needs no model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_benchmark import Fake

from evaluation.__main__ import main
from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import write_json
from evaluation.reports.compare import compare
from evaluation.reports.markdown import blocks
from evaluation.reports.scoring import run_folders, scored
from evaluation.runs.log import FIELDS, LogWriter, merge
from evaluation.score_command import write_report

ROOT = Path(__file__).parents[3]


class Weighted(Fake):
    """A benchmark whose headline is the mean of the kinds' means."""

    weight_by = "kind"

    def aggregate(self, rows: Any, mode: str) -> dict[str, float]:
        return {"best": max(row["score"][mode] for row in rows)}

    def tables(self, rows: Any) -> list[str]:
        return [f"| {len(rows)} rows |"]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())


def made_run(
    root: Path,
    said: str,
    total: int | None = None,
    asked: int | None = None,
    targets: tuple[str, ...] = ("A",),
    media: tuple[dict[str, Any], ...] = (),
    **identity: Any,
) -> Path:
    """Writes a run with the target A; `said` has a letter per question, ! for a failure."""
    folder = root / "fake"
    with LogWriter(folder) as log:
        for index, letter in enumerate(said):
            failed = letter == "!"
            values = {
                "benchmark": "fake", "id": f"q{index}", "index": index,
                "group": f"film {index // 2}", "prompt": f"<video>Is it <b>{index}</b>?",
                "media": list(media), "captions": [], "raw": None if failed else letter.strip(),
                "extracted": {}, "score": {}, "targets": list(targets), "options": [],
                "category": {"kind": "even" if index % 2 == 0 else "odd", "one": "same"},
                "extra": {}, "tokens": {}, "seconds": {},
                "error": "the film is broken." if failed else "",
            }  # fmt: skip
            log.add({**dict.fromkeys(FIELDS, ""), **values})
    merge(folder)
    known = {
        "benchmark": "fake",
        "model": {"name": "tiny", "parameters": 1, "dtype": "float32", "attention": "sdpa"},
        "asked": {
            **{"num_frames": 3, "max_tiles": None, "looks": None, "max_new_tokens": 6},
            **{"media": True, "split": "test", "prompt": "default", "subtitles": None},
            **identity,
        },
        "data": {"questions": total or len(said)},
    }
    runs = [{"asked": asked or total or len(said)}]
    write_json(folder / "manifest.json", {"identity": known, "runs": runs})
    return root


def strict(root: Path) -> list[str]:
    return write_report(root, [scored(folder, "strict") for folder in run_folders(root)])


def test_a_finished_run_has_a_headline_with_its_error(tmp_path: Path) -> None:
    lines = strict(made_run(tmp_path, "AAAABB" * 4))
    row = next(line for line in lines if line.startswith("Fake"))
    assert row.split()[:3] == ["Fake", "strict", "66.67"]
    found = json.loads((tmp_path / "results.json").read_text())["benchmarks"]["fake"]
    headline = found["headline"]
    assert (headline["n"], headline["clusters"], headline["unanswered"]) == (24, 12, 0)
    low, high = headline["interval"]
    assert 30 < low < headline["value"] < high < 95
    error = (2 / 9 / 12 + 2 / 9 / 24 / 23) ** 0.5  # equal pairs; eq. 4 divides by n - 1
    assert headline["standard_error"] == pytest.approx(100 * error)
    assert list(found["categories"]) == ["kind"]


def test_stored_scores_are_ignored_and_recomputed(tmp_path: Path) -> None:
    strict(made_run(tmp_path, "AB  "))
    modes = json.loads((tmp_path / "results.json").read_text())["benchmarks"]["fake"]["modes"]
    assert modes["strict"]["value"] == 25
    assert modes["strict"]["unanswered"] == 2


@pytest.mark.parametrize(
    ("said", "total", "asked", "words"),
    [
        ("AA!A", 4, 4, "incomplete, 3 of 4 answered (1 failed, 0 not asked yet)"),
        ("AA", 4, 4, "incomplete, 2 of 4 answered (0 failed, 2 not asked yet)"),
        ("AA", 4, 2, "only the first 2 of 4 questions were asked"),
    ],
)
def test_an_incomplete_or_limited_run_has_no_headline(
    tmp_path: Path, said: str, total: int, asked: int, words: str
) -> None:
    lines = strict(made_run(tmp_path, said, total, asked))
    row = next(line for line in lines if line.startswith("Fake"))
    assert row.split()[2:5] == ["-", "-", "-"]
    assert any(words in line for line in lines)
    assert (
        json.loads((tmp_path / "results.json").read_text())["benchmarks"]["fake"]["headline"]
        is None
    )


def test_a_failure_is_reported_with_its_reason(tmp_path: Path) -> None:
    lines = strict(made_run(tmp_path, "AA!A"))
    assert "Fake: 1 failed; the first, q2: the film is broken." in lines
    assert "the film is broken." in (tmp_path / "report.html").read_text()


def test_the_report_is_one_file_without_scripts(tmp_path: Path) -> None:
    strict(made_run(tmp_path, "AB<A"))
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "<b>1</b>?" not in page
    assert 'class="dot"' in page
    assert "4 questions of the split test, prompt default, 3 frames per video" in page
    for outside in ("<script", "http:", "https:", "<link", "url("):
        assert outside not in page


def test_further_tables_are_tables_on_the_page() -> None:
    lines = [
        "| kind | right |",
        "| --- | ---: |",
        "| a\\|b | 3 |",
        "q1: it takes too long.",
        "q2: so.",
    ]
    lines += ["", "| of |", "|---|", "| 2 |"]
    assert list(blocks(lines)) == [
        ([["kind", "right"], ["a|b", "3"]], ""),
        ([], "q1: it takes too long.\nq2: so."),
        ([["of"], ["2"]], ""),
    ]


def test_stratum_weights_and_further_values_of_a_benchmark_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Weighted())
    lines = strict(made_run(tmp_path, "AAAAA"))  # three even, two odd
    assert "| 5 rows |" in lines
    assert "<th>5 rows" in (tmp_path / "report.html").read_text()
    assert "Fake: best 100.00." in lines
    strict(made_run(tmp_path / "other", "ABABA"))
    found = json.loads((tmp_path / "other/results.json").read_text())["benchmarks"]["fake"]
    assert found["headline"]["value"] == 50


def test_the_page_shows_the_experts_words_and_the_beginning_of_a_long_pattern(
    tmp_path: Path,
) -> None:
    medium = {"name": "a", "times": [], "words": ["Kind: <cat>.", "Text: none"]}
    strict(made_run(tmp_path, "BB", targets=("A" * 300,), media=(medium,)))
    page = (tmp_path / "report.html").read_text()
    assert "Kind: &lt;cat&gt;.\nText: none" in page
    assert f"<b>{'A' * 120}…</b>" in page


def test_questions_without_public_answers_are_not_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "score", lambda self, row, answer, mode: None)
    lines = strict(made_run(tmp_path / "secret", "AAAA", targets=()))
    assert any("its answers are not public" in line for line in lines)
    lines = strict(made_run(tmp_path / "silent", "AAAA"))
    assert any("no answer could be extracted in the mode strict" in line for line in lines)


def test_comparing_finds_a_difference(tmp_path: Path) -> None:
    first = made_run(tmp_path / "a", "BBBBBBAA" * 3)
    second = made_run(tmp_path / "b", "AAAABBAA" * 3, num_frames=8)
    text = "\n".join(compare(first, second, "strict")[0])
    assert "A 25.00, B 75.00 on 24 questions" in text
    assert "+50.00" in text
    assert "B is better. The interval excludes zero." in text
    assert "only B on 12 questions" in text
    assert "num_frames: 3, here 8" in text


def test_comparing_similar_runs_finds_no_difference(tmp_path: Path) -> None:
    first = made_run(tmp_path / "a", "ABABABAB")
    second = made_run(tmp_path / "b", "ABABBABA")
    text = "\n".join(compare(first, second / "fake", "strict")[0])
    assert "No difference found" in text


def test_only_questions_that_both_answered_are_compared(tmp_path: Path) -> None:
    first = made_run(tmp_path / "a", "A!AA")
    second = made_run(tmp_path / "b", "AA!A")
    assert "on 2 questions that both answered" in "\n".join(compare(first, second, "strict")[0])


def test_a_comparison_without_common_answers_fails_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = made_run(tmp_path / "a", "!!AA"), made_run(tmp_path / "b", "AA!!")
    assert main(["compare", str(first), str(second), "--mode", "strict"]) == 2
    found = capsys.readouterr()
    assert "Fake (strict): the two runs have no scored question in common." in found.err
    assert (found.out, found.err.count("\n")) == ("", 1)


def test_a_mode_that_extracts_nothing_points_to_the_clean_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Fake, "modes", ("strict", "clean"))
    monkeypatch.setattr(
        Fake,
        "read",
        lambda self, row, raw, mode: None if mode == "strict" else raw,
    )
    monkeypatch.setattr(
        Fake,
        "score",
        lambda self, row, answer, mode: None if answer is None else float(answer in row["targets"]),
    )
    first, second = made_run(tmp_path / "a", "AABA"), made_run(tmp_path / "b", "AAAA")
    text = "\n".join(strict(first))
    assert "the mode strict extracts 0 of 4 answers, the mode clean 4; --mode clean shows" in text
    text = "\n".join(write_report(first, [scored(first / "fake", "clean")]))
    assert "answers, the mode clean" not in text
    assert main(["compare", str(first), str(second)]) == 2
    assert "but --mode clean does." in capsys.readouterr().err
    assert main(["compare", str(first), str(second), "--mode", "clean"]) == 0


def test_scoring_a_log_imports_no_torch() -> None:
    code = (
        "import sys, evaluation.score_command, evaluation.reports.compare, evaluation.listing;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no run"):
        compare(tmp_path, tmp_path)
