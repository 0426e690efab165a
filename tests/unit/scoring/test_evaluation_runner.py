"""Running a benchmark: log contents, resuming after a kill, several processes."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_benchmark import Fake, make_fake
from tiny import tiny_assistant

from evaluation.asking import runner
from evaluation.asking.answerer import Answerer, Prompt
from evaluation.asking.media_ahead import MediaAhead
from evaluation.asking.progress import Bar, duration
from evaluation.asking.sharding import Processes
from evaluation.asking.task import Task
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options
from evaluation.json_files import write_json
from evaluation.reports import scoring
from evaluation.runs import provenance
from evaluation.runs.log import LogWriter, read_log
from evaluation.runs.manifest import file_hashes
from evaluation.runs.provenance import describe_model, model_hash
from vlm.model import PVCForConditionalGeneration

MODEL = {"name": "tiny", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fake(tmp_path_factory.mktemp("sets") / "fake", clips=2, pictures=3)


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    assistant = tiny_assistant()
    assistant.close()
    return Answerer(assistant.model, assistant.processor, batch_size=2)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHMARKS, "fake", Fake())


@pytest.fixture(scope="module")
def whole(data: Path, answerer: Answerer, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The results of an uninterrupted run; blind, because decoding media is slow and irrelevant."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BENCHMARKS, "fake", Fake())
        runner.run(blind(data), answerer, MODEL, out)
        return results(out)


def blind(data: Path) -> Task:
    return Task(Fake(), data, media=False)


def results(out: Path) -> bytes:
    """Returns the bytes that must be equal for every way to a finished run."""
    write_json(out / "results.json", scoring.results(scoring.scored(out)))
    return (out / "results.json").read_bytes()


class Killed(BaseException):
    """An exception that no code catches."""


def killed_after(answerer: Answerer, batches: int, patch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    answer = Answerer.answer

    def until_then(self: Answerer, asked: Sequence[Prompt]) -> Any:
        if next(count) == batches:
            raise Killed
        return answer(self, asked)

    patch.setattr(Answerer, "answer", until_then)


def test_a_row_holds_the_prompt_the_media_and_the_answer(
    data: Path, answerer: Answerer, tmp_path: Path
) -> None:
    runner.run(Task(Fake(), data), answerer, MODEL, tmp_path)
    rows = read_log(tmp_path)
    assert [row["index"] for row in rows] == list(range(10))
    first = rows[0]
    assert first["id"] == "clip0.mp4-0"
    assert first["prompt"] == "<video>Which one, ?\nAnswer:"
    (medium,) = first["media"]
    assert medium["name"] == "clip0.mp4"
    assert medium["frame_indices"] == [1, 4, 6]
    assert medium["times"] == pytest.approx([i / 30 for i in medium["frame_indices"]], abs=1e-3)
    assert first["tokens"]["visual"] > 0
    assert first["extracted"].keys() == first["score"].keys() == {"any", "strict"}
    assert not (tmp_path / "log.rank0.jsonl").exists()


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_run_killed_at_any_moment_resumes_to_the_same_bytes(
    data: Path, answerer: Answerer, tmp_path: Path, whole: bytes, batches: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_after(answerer, batches, patch)
        with pytest.raises(Killed):
            runner.run(blind(data), answerer, MODEL, tmp_path)
    assert len(read_log(tmp_path)) == 2 * batches
    with (tmp_path / "log.rank0.jsonl").open("ab") as file:
        file.write(b'{"benchmark": "fake", "id": "clip0')  # killed while writing
    runner.run(blind(data), answerer, MODEL, tmp_path)
    assert results(tmp_path) == whole


def test_answered_questions_are_not_asked_again(
    data: Path, answerer: Answerer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = blind(data)
    runner.run(task, answerer, MODEL, tmp_path)
    killed_after(answerer, 0, monkeypatch)
    runner.run(task, answerer, MODEL, tmp_path)


class Unconnected(Processes):
    """One of several processes, run one after the other."""

    def wait(self, problem: str = "") -> None:
        assert not problem


def test_two_processes_end_in_the_same_bytes_as_one(
    data: Path, answerer: Answerer, tmp_path: Path, whole: bytes
) -> None:
    for rank in (1, 0):
        runner.run(blind(data), answerer, MODEL, tmp_path, Unconnected(rank, 2))
    assert results(tmp_path) == whole


def test_a_run_of_two_processes_resumes_with_one(
    data: Path, answerer: Answerer, tmp_path: Path, whole: bytes
) -> None:
    runner.run(blind(data), answerer, MODEL, tmp_path, Unconnected(1, 2))
    assert (tmp_path / "log.rank1.jsonl").exists()
    runner.run(blind(data), answerer, MODEL, tmp_path)
    assert results(tmp_path) == whole


def test_the_batch_size_changes_nothing(
    data: Path, answerer: Answerer, tmp_path: Path, whole: bytes
) -> None:
    larger = Answerer(answerer.model, answerer.processor, batch_size=5)
    runner.run(blind(data), larger, MODEL, tmp_path)
    assert results(tmp_path) == whole


def test_a_broken_video_fails_alone_and_is_retried_once_repaired(
    answerer: Answerer, tmp_path: Path
) -> None:
    data, out = make_fake(tmp_path / "fake", clips=1, pictures=1), tmp_path / "out"
    content = (data / "clip0.mp4").read_bytes()
    (data / "clip0.mp4").write_bytes(content[:200])
    runner.run(Task(Fake(), data), answerer, MODEL, out)
    item = scoring.scored(out)
    assert [row["id"] for row in item.failed] == ["clip0.mp4-0", "clip0.mp4-1"]
    assert "clip0.mp4" in item.failed[0]["error"]
    found = scoring.results(item)
    assert found["state"] == "partial"
    assert found["headline"] is None
    assert found["counts"] == {
        "questions": 4, "asked": 4, "answered": 2, "failed": 2, "missing": 0, "secret": 0
    }  # fmt: skip

    (data / "clip0.mp4").write_bytes(content)
    runner.run(Task(Fake(), data), answerer, MODEL, out)
    assert scoring.results(scoring.scored(out))["state"] == "complete"


def test_an_overlong_question_fails_with_its_reason(
    data: Path, answerer: Answerer, tmp_path: Path
) -> None:
    long = replace(blind(data), max_new_tokens=10**6)
    runner.run(long, answerer, MODEL, tmp_path)
    assert "the model reads" in read_log(tmp_path)[0]["error"]


def test_a_blind_run_opens_no_media(answerer: Answerer, tmp_path: Path) -> None:
    data, out = make_fake(tmp_path / "fake", clips=1, pictures=0), tmp_path / "out"
    (data / "clip0.mp4").unlink()
    runner.run(Task(Fake(), data, media=False), answerer, MODEL, out)
    row = read_log(out)[0]
    assert (row["error"], row["media"], row["tokens"]["visual"]) == ("", [], 0)
    assert row["prompt"] == "Which one, ?\nAnswer:"


def test_a_limited_run_has_no_result_and_is_resumed_by_the_full_run(
    data: Path, answerer: Answerer, tmp_path: Path, whole: bytes
) -> None:
    runner.run(replace(blind(data), options=Options(limit=3)), answerer, MODEL, tmp_path)
    found = scoring.results(scoring.scored(tmp_path))
    assert (found["state"], found["headline"]) == ("limited", None)
    assert found["modes"]["any"]["n"] == 3
    runner.run(blind(data), answerer, MODEL, tmp_path)
    assert results(tmp_path) == whole


def test_a_folder_with_another_run_is_refused(
    data: Path, answerer: Answerer, tmp_path: Path
) -> None:
    runner.run(replace(blind(data), options=Options(limit=1)), answerer, MODEL, tmp_path)
    with pytest.raises(ValueError, match="num_frames: 3, here 5.*another --out"):
        runner.run(replace(blind(data), num_frames=5), answerer, MODEL, tmp_path)


def begun(data: Path, answerer: Answerer, out: Path, questions: int = 2) -> Task:
    """Asks the first questions, and returns the task that asks all."""
    runner.run(Task(Fake(), data, Options(limit=questions)), answerer, MODEL, out)
    return Task(Fake(), data)


def test_a_run_whose_prompt_has_changed_is_refused(
    answerer: Answerer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = make_fake(tmp_path / "fake", clips=1, pictures=1), tmp_path / "out"
    task = begun(data, answerer, out)
    before = (out / "log.jsonl").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Fake, "system_and_reply", {"default": ("Be brief.", "")})
        with pytest.raises(
            ValueError, match="other settings or files .protocol prompts: .*another --out"
        ):
            runner.run(task, answerer, MODEL, out)
    with monkeypatch.context() as patch:
        compose = Fake.compose
        patch.setattr(
            Fake,
            "compose",
            lambda self, question, *more: compose(
                self, replace(question, parts=(*question.parts, "Answer shortly.")), *more
            ),
        )
        with pytest.raises(ValueError, match="protocol prompts"):
            runner.run(task, answerer, MODEL, out)
    with monkeypatch.context() as patch:
        patch.setattr(Fake, "protocol", 2)
        with pytest.raises(ValueError, match="protocol version: 1, here 2"):
            runner.run(task, answerer, MODEL, out)
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "package_version", lambda: "9.0")
        with pytest.raises(ValueError, match=r"protocol package: .*here 9\.0"):
            runner.run(task, answerer, MODEL, out)
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "template_hash", lambda processor: "another")
        with pytest.raises(ValueError, match="protocol chat_template"):
            runner.run(task, answerer, MODEL, out)
    assert (out / "log.jsonl").read_bytes() == before
    runner.run(task, answerer, MODEL, out)
    assert scoring.scored(out).state == "complete"


def test_a_run_whose_answered_media_have_changed_is_refused(
    answerer: Answerer, tmp_path: Path
) -> None:
    data, out = make_fake(tmp_path / "fake", clips=1, pictures=2), tmp_path / "out"
    task = begun(data, answerer, out)
    clip = (data / "clip0.mp4").read_bytes()
    (data / "clip0.mp4").write_bytes(clip[:-1] + bytes([clip[-1] ^ 1]))  # of the same size
    with pytest.raises(ValueError, match="clip0.mp4 has changed.: choose another --out"):
        runner.run(task, answerer, MODEL, out)
    (data / "clip0.mp4").write_bytes(clip)  # a copy, with another date
    (data / "picture0.png").write_bytes((data / "picture1.png").read_bytes())  # not asked yet
    runner.run(task, answerer, MODEL, out)
    assert scoring.scored(out).state == "complete"
    (data / "picture0.png").write_bytes(b"something else")
    with pytest.raises(ValueError, match="picture0.png has changed"):
        runner.run(task, answerer, MODEL, out)
    (data / "picture0.png").unlink()
    runner.run(task, answerer, MODEL, out)  # all its questions are answered


def test_a_manifest_without_fingerprints_is_continued_with_a_remark(
    answerer: Answerer, tmp_path: Path
) -> None:
    data, out = make_fake(tmp_path / "fake", clips=1, pictures=1), tmp_path / "out"
    task = begun(data, answerer, out)
    known = json.loads((out / "manifest.json").read_text())
    del known["media"], known["identity"]["protocol"]
    (out / "manifest.json").write_text(json.dumps(known))
    remarks: list[str] = []
    runner.run(task, answerer, MODEL, out, announce=remarks.append)
    assert "recorded no fingerprints of prompts and media" in remarks[0]
    assert scoring.scored(out).state == "complete"
    remarks.clear()
    runner.run(task, answerer, MODEL, out, announce=remarks.append)
    assert not any("fingerprints" in remark for remark in remarks)
    (data / "picture0.png").write_bytes(b"something else")
    with pytest.raises(ValueError, match="picture0.png has changed"):
        runner.run(task, answerer, MODEL, out)


def test_a_missing_folder_is_reported_before_anything_is_written(
    answerer: Answerer, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="there is no folder .*nothing"):
        runner.run(Task(Fake(), tmp_path / "nothing"), answerer, MODEL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_questions_about_one_video_decode_it_once_and_few_are_held_in_memory(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = Fake().questions(data, Options())
    read: list[str] = []
    original = MediaAhead.read

    def counting(self: MediaAhead, reader: Any, part: Any, *rest: Any) -> Any:
        read.append(part.name)
        return original(self, reader, part, *rest)

    monkeypatch.setattr(MediaAhead, "read", counting)
    ready: Iterator[Any] = MediaAhead(num_frames=2, image_size=28, workers=1, ahead=3)(questions)
    first = next(ready)
    assert set(read) <= {"clip0.mp4", "clip1.mp4"}
    assert first.question.id == "clip0.mp4-0"
    assert first.seen[0].part.frames.shape == (2, 28, 28, 3)
    rest = list(ready)
    assert [item.question.id for item in (first, *rest)] == [item.id for item in questions]
    assert read == ["clip0.mp4", "clip1.mp4", "picture0.png", "picture1.png", "picture2.png"]


def test_shares_keep_the_questions_of_a_video_together_and_cover_all(data: Path) -> None:
    questions = Fake().questions(data, Options())
    shares = [Processes(rank, 3).share(questions) for rank in range(3)]
    assert sorted(q.id for share in shares for q in share) == sorted(q.id for q in questions)
    groups = [{q.group for q in share} for share in shares]
    assert not groups[0] & groups[1]
    assert not groups[1] & groups[2]


def test_process_ranks_come_from_consistent_variables_only() -> None:
    assert Processes.from_environment({}) == Processes()
    several = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    assert Processes.from_environment(several) == Processes(1, 2, 0)
    with pytest.raises(ValueError, match="torchrun"):
        Processes.from_environment({"WORLD_SIZE": "2"})


def test_the_model_hash_depends_on_the_weights(answerer: Answerer, data: Path) -> None:
    model = answerer.model
    before = model_hash(model)
    assert describe_model(model, "tiny")["sha256"] == before
    parameter = next(model.parameters())
    with torch.no_grad():
        kept = parameter.view(-1)[0].clone()
        parameter.view(-1)[0] += 1
        assert model_hash(model) != before
        parameter.view(-1)[0] = kept
    assert model_hash(model) == before
    looks = model.config.prompt["looks"]
    model.config.prompt["looks"] = looks + 1
    assert model_hash(model) != before
    model.config.prompt["looks"] = looks
    (name,) = file_hashes(data, [data / "questions.jsonl"])
    assert name == "questions.jsonl"


def test_the_hash_of_a_saved_model_depends_on_its_saved_config(
    answerer: Answerer, tmp_path: Path
) -> None:
    answerer.model.save_pretrained(tmp_path)
    model = PVCForConditionalGeneration.from_pretrained(tmp_path)
    before = model_hash(model)
    model.config.prompt["a field that later code adds"] = None
    assert model_hash(model) == before
    saved = json.loads((tmp_path / "config.json").read_text())
    saved["prompt"]["looks"] += 1
    (tmp_path / "config.json").write_text(json.dumps(saved))
    assert model_hash(PVCForConditionalGeneration.from_pretrained(tmp_path)) != before


def test_the_progress_bar_shows_rate_and_remaining_time(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, *([10.0] * 9)])
    bar = Bar("fake", 100, 60, clock=lambda: next(clock))
    for _ in range(4):
        bar.done += 1
    bar.add(failed=True)
    text = capsys.readouterr().err.splitlines()[-1]
    assert "65/100, 0.50 samples/s, 1 min 10 s left, 1 failed" in text
    assert (duration(5), duration(7200)) == ("5 s", "2 h 00 min")


def test_a_log_of_one_process_can_be_read_while_another_writes(tmp_path: Path) -> None:
    with LogWriter(tmp_path, 1):
        assert read_log(tmp_path) == []
