"""`python -m app decide`: steps of a film that grows, alerts, and a calibration."""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from media_maker import write_video
from PIL import Image
from tiny import tiny_assistant

from app.__main__ import parse
from app.console import decide as command
from app.console.decide import decide, followed
from app.decisions import windows
from vlm.assistant import Assistant
from vlm.inference.calibration import Calibration
from vlm.media.confined.limits import MediaError

QUESTION = "Is it moving?"


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    own = tiny_assistant()
    yield own
    own.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four seconds as a recorder writes them."""
    folder = tmp_path_factory.mktemp("film")
    return write_video(folder / "film.ts", 40, fps=10, gop=10, size=(64, 48)).read_bytes()


def arguments(*given: str) -> argparse.Namespace:
    return parse(["decide", *given])


def test_steps_come_while_the_film_grows(
    recording: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, half = tmp_path / "film.ts", len(recording) // 2 // 188 * 188
    waits, sleep = threading.Event(), time.sleep
    monkeypatch.setattr(command.time, "sleep", lambda seconds: (waits.set(), sleep(seconds)))
    steps = followed(path, 1.0, wait=60, poll=0.05)
    begun: list[tuple[float, float]] = []
    reading = threading.Thread(target=lambda: begun.append(next(steps)))
    reading.start()
    assert waits.wait(60)  # for the file
    path.write_bytes(recording[:half])
    reading.join(60)
    assert begun == [(0, 1)]
    with path.open("ab") as file:
        file.write(recording[half:])
    assert [next(steps) for _ in range(3)] == [(1, 2), (2, 3), (3, 4)]


def test_a_film_that_rests_or_cannot_be_read_ends_the_steps(
    recording: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "film.ts"
    with pytest.raises(ValueError, match="has not appeared"):
        list(followed(path, 1.0, wait=0.2, poll=0.1))
    path.write_text("no film at all")
    with pytest.raises(MediaError):
        list(followed(path, 1.0, wait=0.2, poll=0.1))
    path.write_bytes(recording)
    assert len(list(followed(path, 2.0, wait=0.2, poll=0.1))) == 2


def test_the_end_of_a_film_is_decided_about_too(recording: bytes, tmp_path: Path) -> None:
    assert windows(19, 10) == [(0, 10), (10, 19)]
    assert windows(12, 5) == [(0, 5), (5, 12)]  # less than half a step belongs to the last one
    assert windows(4, 1) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert windows(0.2, 1) == [(0, 0.2)]
    path = tmp_path / "film.ts"
    path.write_bytes(recording)
    steps = list(followed(path, 2.5, wait=0.2, poll=0.1))
    assert steps == [(0, 2.5), (2.5, pytest.approx(4, abs=0.2))]


def test_a_film_to_follow_may_still_have_to_come(tmp_path: Path) -> None:
    given = [str(tmp_path / "film.ts"), "--follow", "--wait", "0.01", QUESTION]
    with pytest.raises(ValueError, match="film.ts has not appeared"):
        decide(arguments(*given), lambda: None)  # type: ignore[arg-type, return-value]
    for item in (str(tmp_path / "no folder" / "film.ts"), str(tmp_path)):
        with pytest.raises(ValueError, match="no such file"):
            decide(arguments(item, "--follow", QUESTION), lambda: None)  # type: ignore[arg-type, return-value]


def test_an_alert_marks_where_the_probability_rises_to_the_threshold(
    recording: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(recording)
    chances = iter([0.2, 0.9, 0.95, 0.1, 0.8])

    def one(*_: object) -> dict[str, Any]:
        share = next(chances)
        return {"probability": share, "probabilities": {"Yes": share, "No": 1 - share}}

    monkeypatch.setattr(command.Asked, "about", one)
    options = ("--every", "0.8", "--threshold", "0.8", "--json")
    assert decide(arguments(str(path), QUESTION, *options), lambda: None) == 0  # type: ignore[arg-type, return-value]
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["alert"] for record in records] == [False, True, False, False, True]


def test_a_followed_film_is_decided_about_as_a_whole_one(
    assistant: Assistant, recording: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(recording)
    lines = []
    for options in ((), ("--follow", "--wait", "0.5")):
        given = (str(path), QUESTION, "--every", "2", "--frames", "2", "--json", *options)
        assert decide(arguments(*given), lambda: assistant) == 0
        lines.append(capsys.readouterr().out.splitlines())
    assert lines[0] == lines[1]
    assert [json.loads(line)["start"] for line in lines[0]] == [0, 2]


def test_wrong_options_are_refused_before_the_model_is_loaded(tmp_path: Path) -> None:
    def load() -> Assistant:
        raise AssertionError

    picture = tmp_path / "red.png"
    Image.new("RGB", (40, 30), "red").save(picture)
    for given, words in (
        ((str(picture),), "give one file and a question"),
        ((str(picture), QUESTION, "--every", "1"), "is a picture"),
        ((str(picture), QUESTION, "--threshold", "2"), "--threshold is 2"),
        ((str(picture), QUESTION, "--options", "a,b", "--score", "1", "2"), "not both"),
        (("--fit", "labeled.jsonl"), "--fit needs --calibration"),
    ):
        with pytest.raises(ValueError, match=words):
            decide(arguments(*given), load)


def test_a_calibration_is_fitted_reported_and_applied(
    assistant: Assistant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for i in range(26):
        Image.new("RGB", (40, 30), (10 * i, 30, 90)).save(tmp_path / f"{i}.png")
        answer = "Yes" if i % 3 else "No"
        rows.append(json.dumps({"file": f"{i}.png", "question": "Is it?", "answer": answer}))
    labeled, fitted = tmp_path / "labeled.jsonl", tmp_path / "door.json"
    labeled.write_text("\n".join(rows))
    given = ("--fit", str(labeled), "--calibration", str(fitted), "--looks", "1")
    assert decide(arguments(*given), lambda: assistant) == 0
    report = capsys.readouterr().out
    assert "26 examples, 5-fold cross-validation" in report
    assert "calibrated:" in report
    calibration = Calibration.load(fitted)
    shares = {}
    for options in ((), ("--calibration", str(fitted))):
        asked = (str(tmp_path / "3.png"), "Is it?", "--looks", "1", "--json", *options)
        assert decide(arguments(*asked), lambda: assistant) == 0
        record = json.loads(capsys.readouterr().out)
        assert record["calibrated"] is bool(options)
        shares[bool(options)] = record["probabilities"]
    assert calibration.temperature > 0
    assert shares[True] != shares[False]
    labeled.write_text(rows[0].replace("Yes", "Maybe").replace("No", "Maybe"))
    with pytest.raises(ValueError, match="line 1: the answer must be one of"):
        decide(arguments(*given), lambda: assistant)
