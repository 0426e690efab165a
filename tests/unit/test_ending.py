"""A command ends without a traceback where nothing is a bug: a closed pipe, Ctrl-C, a full disk."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from vlm.ending import end, sentence
from vlm.weights.io.cache import build_once
from vlm.weights.io.files import WeightsError, write_safetensors

ROOT = Path(__file__).parents[2]
NO_COMMAND = {"vlm/media/confined/worker.py"}  # a process of ours
COMMANDS = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("app", "benchmarks", "data", "evaluation", "training", "vlm")
    for path in (ROOT / package).rglob("*.py")
    if '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")
)


def code_of(main: Callable[[], int | None]) -> int | str | None:
    with pytest.raises(SystemExit) as left:
        end(main)
    return left.value.code


def raising(error: BaseException) -> Callable[[], int | None]:
    def main() -> int:
        raise error

    return main


def test_a_command_ends_with_its_own_code() -> None:
    assert code_of(lambda: 1) == 1
    assert code_of(lambda: None) is None
    assert code_of(raising(SystemExit("a sentence"))) == "a sentence"


def test_ctrl_c_ends_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ("", "")


def test_a_full_disk_and_a_file_that_may_not_be_written_are_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of(raising(OSError(28, "No space left on device"))) == 2
    assert code_of(raising(PermissionError(13, "Permission denied", "out/a.json"))) == 2
    assert capsys.readouterr().err == "No space left on device.\nout/a.json: Permission denied.\n"


def test_a_sentence_of_ours_stays() -> None:
    assert sentence(FileNotFoundError("there is no such set.")) == "there is no such set."


@pytest.mark.parametrize("how", ["print and return", "print and leave"])
def test_a_reader_that_goes_early_is_no_error(how: str) -> None:
    leave = "sys.exit(0)" if how == "print and leave" else "return 0"
    program = f"""
import sys
from vlm.ending import end
def main():
    for number in range(100_000):
        print(number)
    {leave}
end(main)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_ends_this_way(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert path in NO_COMMAND or "\n    end(" in source


def test_weights_that_cannot_be_written_are_a_sentence_and_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    target = tmp_path / "file" / "weights.safetensors"
    with pytest.raises(WeightsError, match=r"weights\.safetensors cannot be written: .*\.$"):
        write_safetensors({"a": torch.zeros(1)}, target)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
        Exception("No space left on device (os error 28)"),  # of tokenizers
    ],
)
def test_a_disk_that_fills_while_a_folder_is_built_is_a_sentence_with_the_remedy(
    error: Exception, tmp_path: Path
) -> None:
    def make(folder: Path) -> None:
        raise error

    words = r"model cannot be written \(No space left on device\)\. Free some space"
    with pytest.raises(WeightsError, match=words):
        build_once(tmp_path / "model", {}, make)
    assert not (tmp_path / "model").exists()


def test_a_file_within_that_cannot_be_written_has_the_folders_remedy(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "part").write_text("not a folder")
        write_safetensors({"a": torch.zeros(1)}, folder / "part" / "w.safetensors")

    with pytest.raises(WeightsError, match=r"model cannot be written \(.*\)\. Free some space"):
        build_once(tmp_path / "model", {}, make)


def test_other_errors_while_a_folder_is_built_stay(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        build_once(tmp_path / "model", {}, make)


def test_a_disk_that_fills_while_weights_are_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        )

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(WeightsError, match=r"cannot be written: No space left on device\.$"):
        write_safetensors({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
