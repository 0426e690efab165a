"""The doctor says what is here, and what to do about what is not."""

import json
from pathlib import Path

import pytest

from app import doctor
from app.__main__ import main
from vlm.fit.hardware import DeviceMemory
from vlm.weights.io.files import WeightsError


def findings(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, str]]]:
    code = main(["doctor", "--json"])
    return code, {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_a_missing_optional_package_is_listed_with_its_install_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path / "nothing yet"))
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "gradio" else "1.0")
    code, found = findings(capsys)
    assert code == 0
    assert found["gradio"]["state"] == "optional"
    assert found["gradio"]["fix"] == 'pip install -e ".[app]"'
    assert found["weights"]["fix"] == "python -m vlm.weights embedded"
    assert "h264" in found["videos"]["found"]


@pytest.mark.parametrize("broken", ["package", "memory", "weights", "codec"])
def test_a_failed_check_is_marked_and_the_exit_code_is_1(
    broken: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("REVISIT_CACHE", str(tmp_path))

    def refuse(folder: Path) -> None:
        raise WeightsError(f"{folder}: the file changed since it was written.")

    if broken == "package":
        monkeypatch.setattr(doctor, "_version", lambda name: None if name == "av" else "1.0")
    elif broken == "memory":
        monkeypatch.setattr(doctor, "memory_of", lambda device: DeviceMemory("here", 10**8, 10**9))
    elif broken == "weights":
        monkeypatch.setattr(doctor, "is_built", lambda *args: True)
        monkeypatch.setattr(doctor, "verify", refuse)
    else:
        monkeypatch.setattr(doctor, "readable_codecs", lambda: {"h264": False, "vp9": True})
    assert main(["doctor"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  !!")]
    assert len(lines) == 1
    assert lines[0].rstrip().endswith(")")  # the fix
