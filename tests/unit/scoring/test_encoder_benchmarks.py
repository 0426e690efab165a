"""Benchmarks of encoders through the runner: an encoder that sees colors is right on toy sets."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from oracle_encoder import OracleEncoder
from tiny_encoder import write_classifier, write_encoder

from data.tasks.toy.sets import TOY_SETS
from evaluation.__main__ import main
from evaluation.asking.runner import run
from evaluation.asking.task import Task
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.tasks.base import pack_array, unpack_array
from evaluation.benchmarks.tasks.table import TASK_BENCHMARKS
from evaluation.encoders.asker import EncoderAsker
from evaluation.encoders.loaded import load_encoder
from evaluation.encoders.views import chunks, views
from evaluation.reports.compare import compare
from evaluation.reports.scoring import results, scored
from evaluation.runs.log import read_log
from vlm.heads.alignment import Loss

NAMES = ("kinetics", "msrvtt", "thumos", "charades-sta", "qvhighlights", "ytvis", "mevis")


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    for name in NAMES:
        TOY_SETS[name](folder / name, 20, 0)
    return folder


def ask(
    toys: Path, out: Path, name: str, frames: int | None = None, clips: int = 1, crops: int = 1,
    limit: int | None = None, proposes: bool = False,
) -> dict:  # fmt: skip
    """Runs one benchmark with the oracle; returns its results."""
    oracle = OracleEncoder(proposes=proposes)
    benchmark = TASK_BENCHMARKS[name]
    options = Options(limit=limit)
    asker = EncoderAsker(oracle, clips, crops)
    asker = asker.on(benchmark, benchmark.classes(toys / name, options))
    task = Task(
        benchmark, toys / name, options, frames, workers=1, clips=asker.clips, crops=asker.crops
    )
    run(task, asker, oracle.describe(), out / name)
    return results(scored(out / name))


@dataclass
class Asked:
    """Runs each benchmark once, when a test needs it."""

    toys: Path
    out: Path
    found: dict[str, dict] = field(default_factory=dict)

    def __call__(self, name: str) -> dict:
        if name not in self.found:
            films = name in ("thumos", "charades-sta", "qvhighlights")
            self.found[name] = ask(self.toys, self.out, name, 64 if films else None)
        return self.found[name]


@pytest.fixture(scope="module")
def asked(toys: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(toys, tmp_path_factory.mktemp("asked"))


@pytest.mark.parametrize(
    ("name", "mode", "least"),
    [
        ("kinetics", "top-1", 100),
        ("kinetics", "class-mean", 100),
        ("kinetics", "zero-shot", 100),
        ("msrvtt", "t2v-R@1", 100),
        ("msrvtt", "v2t-R@1", 100),
        ("thumos", "mAP@0.7", 95),
        ("charades-sta", "R1@0.7", 60),
        ("qvhighlights", "R1@0.7", 60),
        ("ytvis", "AP", 80),
        ("ytvis", "AP50", 85),
        ("mevis", "J&F", 90),
    ],
)
def test_an_encoder_that_sees_what_is_asked_is_right(
    asked: Asked, name: str, mode: str, least: float
) -> None:
    found = asked(name)
    assert found["state"] == "complete"
    assert not found["failed"]
    numbers = found["modes"][mode]
    assert numbers["value"] >= least
    low, high = numbers["interval"]
    assert 0 <= low <= numbers["value"] <= high <= 100


def test_two_stages_find_the_actions_that_are_proposed(toys: Path, tmp_path: Path) -> None:
    found = ask(toys, tmp_path, "thumos", frames=32, proposes=True)
    assert found["modes"]["mAP@0.5"]["value"] >= 90
    [first, *_] = read_log(tmp_path / "thumos")
    assert not first["error"]


def test_the_log_alone_gives_the_scores_again(asked: Asked) -> None:
    for name in NAMES:
        found, folder = asked(name), asked.out / name
        assert results(scored(folder)) == found
        for row in read_log(folder):
            assert row["raw"] == json.dumps(json.loads(row["raw"]), ensure_ascii=False)
            assert TASK_BENCHMARKS[name].shown(row["raw"])
            assert len(TASK_BENCHMARKS[name].shown(row["raw"])) < 2000


def test_a_stopped_run_continues_and_ends_equal(toys: Path, asked: Asked, tmp_path: Path) -> None:
    first = ask(toys, tmp_path, "kinetics", limit=2)
    assert first["state"] == "limited"
    assert first["headline"] is None
    assert len(read_log(tmp_path / "kinetics")) == 2
    assert ask(toys, tmp_path, "kinetics") == asked("kinetics")
    with pytest.raises(ValueError, match="other settings"):
        ask(toys, tmp_path, "kinetics", clips=2)


def test_a_run_is_compared_with_itself_without_a_difference(asked: Asked) -> None:
    for name in NAMES:
        asked(name)
    lines, complete = compare(asked.out, asked.out)
    assert complete
    assert sum("No difference found" in line for line in lines) == len(NAMES)


def test_several_clips_and_crops_are_as_right_as_one(toys: Path, tmp_path: Path) -> None:
    found = ask(toys, tmp_path, "kinetics", clips=2, crops=3)
    assert found["headline"]["value"] == 100
    assert found["identity"]["asked"]["num_frames"] == 16
    assert found["identity"]["asked"]["crops"] == 3


def test_a_clip_takes_every_kth_frame_and_crops_are_squares_of_the_longer_side() -> None:
    frames = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 10, 3), np.uint8)
    times = np.arange(12) / 4
    found = list(views(frames, times, 4, 3, 1))
    assert [[int(t * 4) for t in seconds] for _, seconds in found] == [
        [0, 3, 6, 9],
        [1, 4, 7, 10],
        [2, 5, 8, 11],
    ]
    (one, seconds), *_ = views(frames, times, 12, 1, 1)
    assert (one == frames).all()
    assert seconds == times.tolist()
    frames[..., 0] = np.arange(10)
    columns = [clip[0, 0, :, 0].tolist() for clip, _ in views(frames, times, 4, 1, 3)]
    assert columns == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    tall = [clip.shape for clip, _ in views(frames.swapaxes(1, 2), times, 4, 1, 3)]
    assert tall == [(4, 4, 4, 3)] * 3
    short = [seconds for _, seconds in views(frames[:2], times, 4, 1, 1)]
    assert short == [[0, 0, 0.25, 0.25]]


def test_pieces_of_a_film_cover_every_frame_once() -> None:
    assert chunks(7, 3) == [[0, 1, 2], [3, 4, 5], [6, 6, 6]]
    assert chunks(2, 4) == [[0, 1, 1, 1]]
    values = np.array([[1.5, -2.0], [0.1, 3.0]])
    assert (unpack_array(pack_array(values), 2) == values.astype(np.float32)).all()


@pytest.mark.parametrize("loss", ["sigmoid", "nce"])
def test_a_head_proposes_actions_if_it_was_trained_to(
    toys: Path, tmp_path: Path, loss: Loss
) -> None:
    encoder = write_encoder(tmp_path, tasks=("localization",), loss=loss)
    assert load_encoder(encoder).proposes == (loss == "nce")
    command = ["run", "thumos", "--encoder", str(encoder), "--out", str(tmp_path / "out")]
    assert main([*command, "--data", str(toys), "--workers", "1", "--limit", "1"]) == 0
    [row] = read_log(tmp_path / "out" / "thumos")
    assert json.loads(row["raw"])["segments"]


def test_real_encoders_answer_every_task_and_a_classifier_only_its_classes(
    toys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = write_encoder(tmp_path / "encoder")
    common = ["--data", str(toys), "--workers", "1", "--limit", "1"]
    names = ["kinetics", "msrvtt", "thumos", "charades-sta", "ytvis", "mevis"]
    out = tmp_path / "out"
    assert main(["run", *names, "--encoder", str(encoder), "--out", str(out), *common]) == 0
    assert (out / "report.html").is_file()
    assert all(not row["error"] for name in names for row in read_log(out / name))
    classes = ["moving up", "moving down", "moving left", "moving right", "standing"]
    fixed = write_classifier(tmp_path / "fixed", classes)
    other = tmp_path / "other"
    command = ["run", "kinetics", "thumos", "--encoder", str(fixed), "--out", str(other), *common]
    capsys.readouterr()
    assert main(command) == 1
    assert "fixed has no head for localization; it has heads for recognition." in (
        capsys.readouterr().err
    )
    loaded = load_encoder(fixed)
    with torch.inference_mode():
        features = loaded.features(loaded.pixels(np.zeros((4, 64, 64, 3), np.uint8)), [0, 1, 2, 3])
        shares = loaded.class_scores(features, ["moving left", "standing"])
        whole = loaded.class_scores(features, classes)[0]
    assert shares.tolist() == [[float(whole[2]), float(whole[4])]]
    with pytest.raises(ValueError, match="has a head over 5 fixed classes, without 'jumping'"):
        loaded.check("recognition", ["jumping"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["kinetics"], "kinetics is a benchmark of video encoders; give one with --encoder DIR"),
        (["kinetics", "--encoder", "none"], "none is no trained encoder"),
        (["videomme", "--encoder", "none"], "videomme asks in words"),
        (["videomme", "--clips", "2"], "--clips and --crops belong to --encoder"),
        (["kinetics", "--encoder", "none", "--crops", "2"], "--crops is 2; it is 1"),
        (["kinetics", "--encoder", "none", "--clips", "0"], "--clips is 0; it must be 1"),
        (["kinetics", "--encoder", "none", "--no-media"], "an encoder answers from media"),
        (["thumos", "--encoder", "none", "--mode", "top-1"], "there is no mode 'top-1' here"),
    ],
)
def test_what_does_not_fit_an_encoder_is_refused_in_one_sentence(
    toys: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    command = ["run", *arguments, "--data", str(toys), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_a_film_that_cannot_be_read_is_a_failed_sample(toys: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sets"
    TOY_SETS["kinetics"](folder / "kinetics", 20, 0)
    clip = next((folder / "kinetics" / "val").rglob("*.mp4"))
    clip.write_bytes(b"no video")
    found = ask(folder, tmp_path / "out", "kinetics")
    assert found["state"] == "partial"
    assert len(found["failed"]) == 1
    assert found["headline"] is None


def test_every_set_has_a_benchmark_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for name, benchmark in TASK_BENCHMARKS.items():
        assert BENCHMARKS[name] is benchmark
        assert benchmark.title in said
        assert benchmark.splits[0] == benchmark.set.test
