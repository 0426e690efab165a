"""The embedded model's held-out sets as benchmarks: questions, scores and tables."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data import wilson
from data.embedded.photographs import QUESTIONS
from evaluation.benchmarks.base import MediaPart, Options, Question
from evaluation.benchmarks.own.photos import Photos
from evaluation.benchmarks.own.worlds import OwnBenchmark, Worlds


def record(name: str, task: str, accept: list[str], **more: Any) -> dict[str, Any]:
    user = {
        "role": "user",
        "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": f"{task}?"}],
    }
    said = {"role": "assistant", "content": accept[0]}
    return {"id": name, "messages": [user, said], "task": task, "accept": [accept], **more}


def write_worlds(folder: Path, *records: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(line) + "\n" for line in records)
    (folder / "records.jsonl").write_text(lines, encoding="utf-8")
    return folder


def row(benchmark: OwnBenchmark, question: Question, raw: str) -> dict[str, Any]:
    """Returns the fields of a log row that scoring needs."""
    line: dict[str, Any] = {
        "id": question.id,
        "group": question.group,
        "raw": raw,
        "targets": list(question.targets),
        "category": question.category,
        "extra": json.loads(json.dumps(question.extra)),
        "error": "",
        "score": {},
    }
    for mode in benchmark.modes:
        answer = benchmark.read(line, raw, mode)
        line["score"][mode] = benchmark.score(line, answer, mode)
    return line


def test_a_record_becomes_a_question_unchanged(tmp_path: Path) -> None:
    write_worlds(tmp_path, record("r1", "colour", ["red"], near=[["orange"]]))
    (question,) = Worlds().questions(tmp_path, Options())
    picture, words = question.parts
    assert isinstance(picture, MediaPart)
    assert picture.path == tmp_path.resolve() / "a.png"
    assert words == "colour?"
    assert question.targets == ("red",)
    assert question.category == {"task": "colour", "medium": "image"}


def test_nearly_right_answers_count_in_one_mode_only(tmp_path: Path) -> None:
    write_worlds(
        tmp_path, record("r1", "neighbour", ["green moon"], near=[["moon"]], wrong=[["square"]])
    )
    worlds = Worlds()
    (question,) = worlds.questions(tmp_path, Options())
    scores = {
        raw: tuple(row(worlds, question, raw)["score"].values())
        for raw in ("A green moon.", "A moon.", "The square and a green moon.", "", "A fish.")
    }
    assert scores == {
        "A green moon.": (1.0, 1.0),
        "A moon.": (0.0, 1.0),
        "The square and a green moon.": (0.0, 0.0),
        "": (0.0, 0.0),
        "A fish.": (0.0, 0.0),
    }


def test_only_the_first_sentence_counts(tmp_path: Path) -> None:
    write_worlds(tmp_path, record("r1", "colour", ["red"]))
    worlds = Worlds()
    (question,) = worlds.questions(tmp_path, Options())
    line = row(worlds, question, "It is blue. It is red.")
    assert worlds.read(line, line["raw"], "right") == "It is blue."
    assert line["score"]["right"] == 0.0


def test_the_table_lists_tasks_and_pooled_aims(tmp_path: Path) -> None:
    names = [record(f"c{i}", "colour", ["red"]) for i in range(4)]
    names += [record(f"b{i}", "background", ["blue"]) for i in range(4)]
    names.append(record("w", "word", ["sun"]))
    worlds = Worlds()
    questions = worlds.questions(write_worlds(tmp_path, *names), Options())
    rows = [row(worlds, question, "Red.") for question in questions]
    rows.append({**rows[0], "error": "the file is broken", "score": {}, "raw": None})
    table = worlds.tables(rows)
    assert "| color | 50 % (22 to 78, n = 8) **missed** |" in table
    assert "| colour | 100 % (51 to 100, n = 4) |" in table
    assert "| background | 0 % (0 to 49, n = 4) |" in table
    assert "| word | 0 % (0 to 79, n = 1) |" in table
    assert "| motion | no answers |" in table


def test_a_missing_folder_is_replaced_by_the_one_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path))
    made = write_worlds(tmp_path / "training" / "held", record("r1", "colour", ["red"]))
    missing = tmp_path / "worlds"
    assert [question.id for question in Worlds().questions(missing, Options())] == ["r1"]
    assert Worlds().data_files(missing, Options()) == [made / "records.jsonl"]
    with pytest.raises(ValueError, match=r"photos: there is no folder .*data\.prepare\.photos"):
        Photos().questions(missing, Options())


def test_a_record_without_accepted_answers_is_refused_by_id(tmp_path: Path) -> None:
    line = record("r1", "colour", ["red"])
    del line["accept"]
    with pytest.raises(ValueError, match="record r1 has no accepted answers"):
        Worlds().questions(write_worlds(tmp_path, line), Options())


def write_photos(folder: Path, rows: Any) -> Path:
    (folder / "photos").mkdir()
    for name in ("cat", "hen"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "photos" / f"{name}.jpg")
    (folder / "photos.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_photographs_alternate_questions_and_use_their_own_answer_lists(tmp_path: Path) -> None:
    rows = [
        {"file": "photos/cat.jpg", "accept": ["cat"], "near": ["lynx"], "source": "x"},
        {"file": "photos/hen.jpg", "accept": ["hen", "chicken"], "near": []},
    ]
    photos = Photos()
    questions = photos.questions(write_photos(tmp_path, rows), Options())
    assert [question.parts[1] for question in questions] == list(QUESTIONS[:2])
    said = [row(photos, questions[0], "A lynx."), row(photos, questions[1], "I can't tell.")]
    assert photos.tables(said)[2:] == [
        "| right | 0 % (0 to 66, n = 2) |",
        "| right or nearly right (aim >= 79 %) | 50 % (9 to 91, n = 2) **missed** |",
        '| answered "I can\'t tell" | 50 % (9 to 91, n = 2) |',
    ]


@pytest.mark.parametrize("rows", [{"file": "a"}, [{"file": "a"}], [3]])
def test_a_malformed_list_of_photographs_is_refused_in_a_sentence(
    tmp_path: Path, rows: Any
) -> None:
    with pytest.raises(ValueError, match=r"photos\.json is not a list of"):
        Photos().questions(write_photos(tmp_path, rows), Options())


def test_the_interval_of_a_share_is_the_wilson_interval() -> None:
    # Newcombe 1998, table I, the score method without correction.
    assert wilson.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson.wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson.format_share(0, 40) == "0 % (0 to 9, n = 40)"
    assert all(0 <= end <= 1 for n in range(1, 99) for k in (0, n) for end in wilson.wilson(k, n))
