"""OVO-Bench: nothing after the moment of a question is decoded; scores equal the authors'."""

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_rows import toy_questions, toy_row, toy_scores

from evaluation.asking.media_ahead import MediaAhead, Ready
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import MediaPart, Options
from evaluation.json_files import read_json, write_json
from evaluation.toy import make_toy
from evaluation.toy.media import write_video
from vlm.conversation import Video

OVO = BENCHMARKS["ovobench"]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys")
    make_toy("ovobench", root / "ovobench")
    return root


def seen(folder: Path) -> dict[str, Ready]:
    ahead = MediaAhead(num_frames=4, image_size=32, workers=1)
    return {one.question.id: one for one in ahead(OVO.questions(folder, Options()))}


def test_no_frame_after_the_moment_is_decoded(toys: Path) -> None:
    for name, ready in seen(toys / "ovobench").items():
        assert not ready.error
        facts = ready.seen[0].facts
        moment = ready.question.extra["moment"]
        assert facts["until"] == moment
        assert facts["latest_decoded"] <= moment, name
        assert max(facts["times"]) <= moment
        # The last frame is that of the moment itself: the film has eight a second.
        assert facts["times"][-1] >= moment - 1.5 / 8


def test_another_future_changes_no_frame_that_is_seen(toys: Path, tmp_path: Path) -> None:
    make_toy("ovobench", tmp_path / "other")
    film = tmp_path / "other/src_videos/toy/square.mp4"
    film.unlink()
    write_video(film, ("red", "yellow"))
    ours, theirs = seen(toys / "ovobench"), seen(tmp_path / "other")
    same = {}
    for name, ready in ours.items():
        one, other = ready.seen[0].part, theirs[name].seen[0].part
        assert isinstance(one, Video)
        assert isinstance(other, Video)
        same[name] = np.array_equal(one.frames, other.frames)
    assert same == {name: ready.question.extra["moment"] <= 2 for name, ready in ours.items()}


def test_published_pieces_serve_where_the_film_is_missing(tmp_path: Path) -> None:
    make_toy("ovobench", tmp_path / "o", original=True)
    found = seen(tmp_path / "o")
    assert {ready.error for ready in found.values()} == {""}
    film = found["3-1"].question.parts[0]
    assert isinstance(film, MediaPart)
    assert film.name == "3_1.mp4"


def test_a_forward_entry_is_asked_at_each_of_its_moments(toys: Path) -> None:
    questions = {q.id: q for q in toy_questions(toys, "ovobench")}
    assert [q for q in questions if q.startswith(("3", "4"))] == ["3-0", "3-1", "4-0", "4-1"]
    assert [questions[name].targets[0] for name in ("3-0", "3-1", "4-0", "4-1", "5-0")] == [
        *("No", "Yes", "0", "1", "Yes")
    ]
    assert {q.category["scenario"] for q in toy_questions(toys, "ovobench", split="forward")} == {
        "forward"
    }


def authors_score(task: str, said: str | None, row: dict[str, Any]) -> float:
    """The authors' offline scoring, spelled out."""
    if said is None:
        return 0.0
    right = row["targets"][0]
    if task == "REC":
        return float("".join(c for c in said if re.match(r"\d", c)) == right)
    if task in ("SSR", "CRR") and said in ("N", "Y"):
        return float(said == right[0])
    return float(said.find(right) >= 0)


def test_scores_equal_the_authors_on_random_answers(toys: Path) -> None:
    generator = random.Random(0)
    pieces = [
        "A",
        "B",
        "c",
        "Yes",
        "No",
        "N",
        "Y",
        "0",
        "1",
        "10",
        " ",
        ".",
        "Not",
        "yes",
        "٣",
        "\n",
    ]
    for question in toy_questions(toys, "ovobench"):
        row = toy_row(question)
        for _ in range(500):
            said = "".join(generator.choices(pieces, k=generator.randrange(5)))
            found = OVO.score(row, OVO.read(row, said, "official"), "official")
            assert found == authors_score(question.category["task"], said.strip(), row), said


def test_the_clean_mode_reads_what_is_answered(toys: Path) -> None:
    questions = {q.id: q for q in toy_questions(toys, "ovobench")}
    for name, said, official, clean in (
        ("0", "A or B", 1.0, 0.0),
        ("0", "It was red.", 0.0, 1.0),
        ("4-1", "One time.", 0.0, 1.0),
        ("4-1", "1 of 2", 0.0, 1.0),
        ("4-1", "either 1 or 2", 0.0, 0.0),
        ("3-1", "yes", 0.0, 1.0),
        ("3-0", "No, Yes", 1.0, 1.0),
        ("3-1", "Y", 1.0, 1.0),
    ):
        assert toy_scores("ovobench", questions[name], said) == {
            "official": official,
            "clean": clean,
        }, (name, said)


def test_the_headline_is_the_mean_of_the_tasks_and_scenarios_stand_beside_it(toys: Path) -> None:
    rows = [
        {**toy_row(q), "score": {"clean": float(q.id in ("0", "1"))}}
        for q in toy_questions(toys, "ovobench")
    ]
    assert OVO.aggregate(rows, "clean") == {"backward": 1.0, "realtime": 0.5, "forward": 0.0}
    assert OVO.weight_by == "task"


def test_a_malformed_entry_is_named(tmp_path: Path) -> None:
    make_toy("ovobench", tmp_path / "o")
    path = tmp_path / "o/ovo_bench_new.json"
    entries = read_json(path)
    write_json(path, [{**entries[0], "task": "NEW"}])
    with pytest.raises(ValueError, match="entry 0 has the unknown task 'NEW'"):
        OVO.questions(tmp_path / "o", Options())
    path.write_text(json.dumps([{key: v for key, v in entries[0].items() if key != "realtime"}]))
    with pytest.raises(ValueError, match="entry 0 is malformed"):
        OVO.questions(tmp_path / "o", Options())


def test_only_a_whole_video_can_be_shown_up_to_a_moment() -> None:
    with pytest.raises(ValueError, match="only a whole video"):
        MediaPart("video", Path("a.mp4"), start=1.0, until=2.0)
