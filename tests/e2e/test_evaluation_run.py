"""The command in separate processes: two at once, and one that is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_benchmark import make_fake
from tiny import tiny_assistant
from torch.distributed import TCPStore

from evaluation.runs.speed import sessions_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line without --out."""
    folder = tmp_path_factory.mktemp("evaluation")
    assistant = tiny_assistant()
    assistant.close()
    assistant.model.save_pretrained(folder / "tiny")
    assistant.processor.save_pretrained(folder / "tiny")
    make_fake(folder / "sets/fake", clips=2, pictures=6)
    return ["run", "fake", "--model", str(folder / "tiny"), "--data", str(folder / "sets")]


@pytest.fixture(scope="module")
def alone(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a single process writes."""
    out = tmp_path_factory.mktemp("alone")
    process = start(arguments, out)
    _, err = process.communicate()
    assert process.returncode == 0, err
    return out


def start(arguments: list[str], out: Path, **environment: str) -> subprocess.Popen:
    """Starts `python -m evaluation` with the fake benchmark registered."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return subprocess.Popen(
        [sys.executable, "-m", "fake_benchmark", *arguments, "--out", str(out)],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def start_two() -> Callable[..., list[subprocess.Popen]]:
    """Starts two processes as torchrun does: they meet at a store of this process.

    A port that is chosen here and opened by the first of them could be taken in between.
    """
    stores = []  # open until the test ends

    def start_pair(arguments: list[str], out: Path) -> list[subprocess.Popen]:
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        stores.append(store)
        common = {
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
        }
        ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in (0, 1)]
        return [start(arguments, out, **rank, **common) for rank in ranks]

    return start_pair


def test_two_processes_and_a_resumed_run_end_in_the_bytes_of_one(
    arguments: list[str], alone: Path, tmp_path: Path, start_two: Callable
) -> None:
    two = start_two(arguments, tmp_path / "two")
    killed = start(arguments, tmp_path / "killed", KILLED_AFTER="3")
    killed.communicate()
    log = tmp_path / "killed/fake/log.rank0.jsonl"
    assert (killed.returncode, log.read_bytes().count(b"\n")) == (-signal.SIGKILL, 3)
    continued = start_two(arguments, tmp_path / "killed")

    for process in (*two, *continued):
        out, err = process.communicate()
        assert process.returncode == 0, err
        if process in (two[1], continued[1]):
            assert out == ""
    expected = (alone / "results.json").read_bytes()
    assert (tmp_path / "two/results.json").read_bytes() == expected
    assert (tmp_path / "killed/results.json").read_bytes() == expected
    card = (alone / "fake/card.txt").read_bytes()
    assert (tmp_path / "two/fake/card.txt").read_bytes() == card
    assert (tmp_path / "killed/fake/card.txt").read_bytes() == card
    assert b'"state": "complete"' in expected


def test_a_refusal_in_one_process_ends_both_with_one_sentence(
    arguments: list[str], tmp_path: Path, start_two: Callable
) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake/manifest.json").write_text("{")
    said = [process.communicate() for process in start_two(arguments, tmp_path)]
    assert said[0][1].count("python -m evaluation run:") == 1
    assert "manifest.json cannot be read" in said[0][1]
    assert "python -m evaluation run:" not in said[1][1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        ("torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        (
            "accelerate.commands.launch",
            "--multi-gpu",
            "--num-processes=2",
            "--main-process-port=0",
        ),
    ],
    ids=["torchrun", "accelerate"],
)
def test_launchers_start_processes_that_share_the_questions(
    arguments: list[str], alone: Path, tmp_path: Path, launcher: tuple[str, ...]
) -> None:
    """Runs a launcher as a user does, with its own environment variables."""
    command = [sys.executable, "-m", *launcher, "-m", "fake_benchmark", *arguments]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "two")],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    expected = (alone / "results.json").read_bytes()
    assert (tmp_path / "two/results.json").read_bytes() == expected
    (session,) = sessions_of(tmp_path / "two/fake")
    assert (session["processes"], session["samples"]) == (2, 16)
    (one,) = sessions_of(alone / "fake")
    for count in ("samples", "input_tokens", "output_tokens", "visual_tokens"):
        assert session[count] == one[count], "is not summed over processes"
