"""Submission files: the formats that leaderboards' servers check."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options
from evaluation.reports import scoring
from evaluation.reports.export import FORMATS, export_run
from evaluation.reports.scoring import Scored
from evaluation.reports.xlsx import write_tsv, write_xlsx
from evaluation.toy import make_toy


def rows(folder: Path, name: str, said: str, **options: Any) -> list[dict[str, Any]]:
    make_toy(name, folder / name)
    found = BENCHMARKS[name].questions(folder / name, Options(**options))
    return [
        {
            "id": question.id,
            "group": question.group,
            "raw": said,
            "options": list(question.options),
            "targets": list(question.targets),
            "category": question.category,
            "extra": question.extra,
            "error": "",
        }
        for question in found
    ]


def written(path: Path, name: str, found: list[dict[str, Any]]) -> Any:
    FORMATS[name].write(found, path)
    return json.loads(path.read_text(encoding="utf-8"))


def sheet_values(path: Path) -> list[list[Any]]:
    return [list(line) for line in load_workbook(path).active.iter_rows(values_only=True)]


def test_the_video_mme_file_has_one_object_per_video(tmp_path: Path) -> None:
    found = written(
        tmp_path / "out.json", "videomme", rows(tmp_path, "videomme", "It is “B”, naïvely.")
    )
    assert [video["video_id"] for video in found] == ["001", "002", "003"]
    assert list(found[0]) == [
        "video_id",
        "duration",
        "domain",
        "sub_category",
        "missing",
        "questions",
    ]
    assert list(found[0]["questions"][0]) == [
        *("question_id", "task_type", "question", "options", "answer", "response"),
    ]
    assert found[0]["questions"][0]["options"][0] == "A. Red."
    assert found[0]["questions"][0]["response"] == "It is “B”, naïvely."


@pytest.mark.parametrize("skip_missing", [False, True])
def test_the_video_mme_file_is_read_by_the_authors_loop(tmp_path: Path, skip_missing: bool) -> None:
    """Reads the keys that parse_answer reads, in its order."""
    correct = 0
    for video in written(tmp_path / "o.json", "videomme", rows(tmp_path, "videomme", "B")):
        if skip_missing and video["missing"]:
            continue
        assert {video["duration"], video["domain"], video["sub_category"]}
        for question in video["questions"]:
            assert isinstance(question["response"], str)
            correct += question["task_type"] != "" and question["answer"] == question["response"]
    assert correct > 0


@pytest.mark.parametrize(("split", "allowed"), [("test", True), ("validation", False)])
def test_the_rrc_format_takes_runs_of_the_test_split_only(
    tmp_path: Path, split: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows(tmp_path, "docvqa", "17", split=split)
    run = Scored(
        tmp_path / "out/docvqa",
        BENCHMARKS["docvqa"],
        {"asked": {"split": split}, "data": {"questions": len(found)}},
        list(found),
        len(found),
        "official",
    )
    monkeypatch.setattr(scoring, "run_folders", lambda folder: [run.folder])
    monkeypatch.setattr(scoring, "scored", lambda folder: run)
    to = tmp_path / "docvqa.json"
    if allowed:
        assert export_run(tmp_path, "rrc", to) == [to]
    else:
        with pytest.raises(ValueError, match="a run of the split validation.*with --split test"):
            export_run(tmp_path, "rrc", to)
        assert not to.exists()


@pytest.mark.parametrize("name", ["docvqa", "infovqa"])
def test_the_rrc_file_is_a_list_with_numeric_ids(tmp_path: Path, name: str) -> None:
    found = written(tmp_path / "out.json", "rrc", rows(tmp_path, name, "17", split="test"))
    assert isinstance(found, list)
    assert all(type(entry["questionId"]) is int for entry in found)
    assert all(list(entry) == ["questionId", "answer"] for entry in found)
    ids = [entry["questionId"] for entry in found]
    assert ids == sorted(set(ids))


def test_a_question_without_a_numeric_id_is_refused_by_the_rrc_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="takes numbers as ids"):
        FORMATS["rrc"].write([{"extra": {"questionId": "x7"}, "raw": ""}], tmp_path / "out.json")


def test_the_mmbench_sheet_and_table_have_equal_contents(tmp_path: Path) -> None:
    found = rows(tmp_path, "mmbench", "B")
    for path, name in ((tmp_path / "a.xlsx", "mmbench"), (tmp_path / "a.tsv", "mmbench-tsv")):
        FORMATS[name].write(found, path)
    with (tmp_path / "a.tsv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    assert [line["index"] for line in table] == ["241", "252", "1000241", "1000252", "2000241"]
    assert {line["prediction"] for line in table} == {"B"}
    assert list(table[0])[:7] == ["index", "question", "A", "B", "C", "D", "prediction"]
    header, *lines = sheet_values(tmp_path / "a.xlsx")
    assert header == list(table[0])
    assert len(lines) == len(table)
    assert [[str(value) for value in line] for line in lines] == [
        list(line.values()) for line in table
    ]
    assert lines[-1][0] == 2000241


def test_a_sheet_keeps_text_that_looks_like_something_else(tmp_path: Path) -> None:
    said = ["=1+1", "{=1+1}", "+1", "@a", "https://example.org", "007", "None", "_x0041_", " x "]
    said += ["", "多", "a\nb\tc"]
    write_xlsx(tmp_path / "a.xlsx", [{"index": i, "prediction": x} for i, x in enumerate(said)])
    sheet = load_workbook(tmp_path / "a.xlsx").active
    cells = [line[1] for line in sheet.iter_rows()]
    assert [cell.value or "" for cell in cells] == ["prediction", *said]
    assert {cell.data_type for cell in cells} == {"s"}  # no formula, no number
    assert not any(cell.hyperlink for cell in cells)
    assert [line[0].value for line in sheet.iter_rows()] == ["index", *range(len(said))]


def test_a_sheet_drops_what_xml_cannot_hold(tmp_path: Path) -> None:
    write_xlsx(
        tmp_path / "a.xlsx", [{"prediction": "a <b> & \x07 c\ud83d"}, {"prediction": "a\r\nb\rc"}]
    )
    assert sheet_values(tmp_path / "a.xlsx") == [["prediction"], ["a <b> &  c"], ["a\nb\nc"]]


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_xlsx(tmp_path / name, [{"index": 1, "prediction": "B"}])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_text_too_long_for_a_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"row 1 has 32,768 characters in 'prediction'"):
        write_xlsx(tmp_path / "a.xlsx", [{"index": 1, "prediction": "x" * 32768}])
    assert not (tmp_path / "a.xlsx").exists()


def test_a_table_keeps_line_breaks_and_tabs(tmp_path: Path) -> None:
    write_tsv(tmp_path / "a.tsv", [{"index": 1, "prediction": 'a\nb\t"c"'}])
    with (tmp_path / "a.tsv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file, delimiter="\t")
    assert line == {"index": "1", "prediction": 'a\nb\t"c"'}


def test_mlvu_and_longvideobench_files_hold_letters(tmp_path: Path) -> None:
    mlvu = written(tmp_path / "m.json", "mlvu", rows(tmp_path, "mlvu", "F) white", split="test"))
    assert mlvu == [{"question_id": "TQ_0", "question_type": "tutorialQA", "option": "F"}]
    said = rows(tmp_path, "longvideobench", "the answer is c", split="test")
    assert written(tmp_path / "l.json", "longvideobench", said) == {
        "toyvideoA_0_t": "C",
        "toyvideoB_0_t": "C",
    }


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known are videomme, rrc, mmbench"):
        export_run(tmp_path, "kaggle")
