"""The command line: what it prints where, its exit codes, and that help needs nothing heavy."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import HOSTILE, FakeAssistant

from app import __main__ as command
from app.console.terminal import Terminal
from app.page.asking.examples import FOLDER
from vlm.assistant import Assistant
from vlm.config import EXPERTS
from vlm.experts.options import NAMES


@pytest.fixture
def assistant(monkeypatch: pytest.MonkeyPatch) -> FakeAssistant:
    fake = FakeAssistant()
    monkeypatch.setattr(command, "load_assistant", lambda args: fake)
    return fake


@pytest.fixture
def clip(tmp_path: Path) -> str:
    path = tmp_path / "clip.mp4"
    shutil.copy(FOLDER / "moving-ball.mp4", path)
    return str(path)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom app.__main__ import main\n"
        "try: main(['ask', '--help'])\nexcept SystemExit as end: code = end.code\n"
        "heavy = {'torch', 'gradio', 'transformers', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout


def test_a_count_of_threads_below_one_is_invalid_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["ask", "--threads", "0", "What happens?"]) == command.BAD_INPUT
    assert capsys.readouterr().err == "--threads is 0; it must be 1 or more.\n"


def test_answers_go_to_stdout_and_progress_to_stderr(
    assistant: FakeAssistant, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["ask", clip, "What happens?"]) == 0
    out, err = capsys.readouterr()
    assert out == "You asked: **What happens?** (0 turns before)\n"
    assert "Reading clip.mp4" in err
    assert "136 tokens" in err
    assert assistant.asked[0][1] == ("clip.mp4",)


def test_json_output_is_one_object_with_the_frames_seen(
    assistant: FakeAssistant, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["ask", clip, clip, "--json", "--quiet", "--frames", "8", "What?"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["seen"][1]["times"][:2] == [0.25, 0.75]
    assert answer["usage"]["context_left"] == 7900
    assert err == ""
    assert assistant.asked[0][2].num_frames == 8


def test_questions_on_stdin_form_one_conversation_about_the_files(
    assistant: FakeAssistant,
    clip: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one?\n\ntwo?\n"))
    assert command.main(["ask", "--quiet", clip]) == 0
    assert "two?** (1 turns before)" in capsys.readouterr().out
    assert [files for _, files, _ in assistant.asked] == [("clip.mp4",), ()]


def test_questions_on_stdin_need_no_file(
    assistant: FakeAssistant,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one?\ntwo?\n"))
    assert command.main(["ask", "--quiet"]) == 0
    assert "two?** (1 turns before)" in capsys.readouterr().out
    assert [files for _, files, _ in assistant.asked] == [(), ()]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ask"], "no question was given"),
        (["ask", "-"], "no question was given"),
        (["ask", "missing.mp4"], "no such file"),
        (["ask", "missing.mp4", "What?"], "no such file"),
        (["ask", "bad file"], "has no pictures"),
        (["ask", "--frames", "0", "What?"], "--frames is 0"),
        (
            ["ask", "--experts", "thigs", "What?"],
            'names "thigs"; there are kinds',
        ),
        (["chat", "--host", "0.0.0.0"], "--auth"),
        (["chat", "--auth", "nobody"], "takes NAME:PASSWORD"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    assistant: FakeAssistant,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert command.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert sentence in last
    assert "Traceback" not in err


def test_json_output_has_the_findings_and_what_the_model_read(
    assistant: FakeAssistant, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["ask", clip, "--json", "--quiet", "read it"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (seen,) = answer["seen"]
    assert seen["words"][0] == "Things: 1 bus (left red). Text (1 line): NO PARKING"
    assert len(seen["findings"]) == 8
    assert [thing["name"] for thing in seen["findings"][0]["things"]] == ["bus", "person"]
    assert seen["findings"][0]["lines"][0]["text"] == "NO PARKING"
    assert answer["usage"]["seconds_experts"] == 0.0


@pytest.mark.parametrize(
    ("options", "experts", "read_text"),
    [
        ([], None, False),
        (["--experts", "none"], (), False),
        (["--experts", "text, things", "--read-text"], ("text", "things"), True),
    ],
)
def test_the_experts_options_reach_the_model(
    options: list[str],
    experts: tuple[str, ...] | None,
    read_text: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: dict[str, Any] = {}
    monkeypatch.setattr(Assistant, "load", lambda model, **given: loaded.update(given))
    command.load_assistant(command.parse(["ask", *options, "What?"]))
    assert (loaded["experts"], loaded["read_text"]) == (experts, read_text)


def test_the_options_name_all_experts() -> None:
    assert NAMES == EXPERTS


def test_a_hostile_answer_cannot_control_the_terminal(
    assistant: FakeAssistant, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main(["ask", "hostile"])
    out = capsys.readouterr().out
    assert "\x1b" in HOSTILE
    assert not {"\x1b", "\x07"} & set(out)


def chat(lines: list[str], monkeypatch: pytest.MonkeyPatch, *files: str) -> FakeAssistant:
    fake = FakeAssistant()
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
    assert Terminal(fake, command.parser().parse_args(["terminal", *files])).run() == 0
    return fake


def test_the_terminal_chat_adds_files_and_retries(
    clip: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        f"/add {clip}",
        "first?",
        "second?",
        "/retry",
        "/edit third?",
        "/frames",
        "/quit",
        "no",
    ]
    fake = chat(lines, monkeypatch)
    assert [asked for asked, *_ in fake.asked] == ["first?", "second?", "second?", "third?"]
    assert [len(files) for _, files, _ in fake.asked] == [1, 0, 0, 0]
    out = capsys.readouterr().out
    assert "third?** (1 turns before)" in out
    assert "frames seen of clip.mp4: 0:00.2, 0:00.8" in out


def test_read_lists_what_the_model_read_of_the_last_files_without_control_codes(
    clip: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["/read", "What?", "/read", f"/add {clip}", "read hostile", "and?", "/read"]
    chat(lines, monkeypatch, clip)
    out = capsys.readouterr().out
    assert "No frames yet." in out
    assert "clip.mp4:\n  no expert looked at it; start with --experts" in out
    assert "clip.mp4:\n  Things: 1 bus (left red). Text (1 line): <script>" in out
    assert not {"\x1b", "\x07"} & set(out)


def test_the_terminal_chat_survives_errors_and_nonsense(
    clip: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["/nonsense", "/__init__", "/add missing.mp4", "/retry", "/add 'x", "break", "fine?"]
    fake = chat(lines, monkeypatch, clip)
    out = capsys.readouterr().out
    assert "Unknown command /nonsense" in out
    assert "missing.mp4: no such file" in out
    assert "Internal error (RuntimeError)" in out
    assert fake.asked[-1][:2] == (
        "fine?",
        ("clip.mp4",),
    )
    assert "(0 turns before)" in out


def test_ctrl_c_stops_an_answer_and_the_chat_continues(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    press = staticmethod(lambda: os.kill(os.getpid(), signal.SIGINT))
    monkeypatch.setattr(FakeAssistant, "falls_silent", press)
    fake = chat(["slow please", "next"], monkeypatch)
    out = capsys.readouterr().out
    assert "word9" in out
    assert "(stopped)" in out
    assert [asked for asked, *_ in fake.asked] == ["slow please", "next"]


def run(arguments: list[str], piped: bytes = b"", **environment: str) -> tuple[int, bytes, bytes]:
    """Runs `python -m app` with a scripted model as a process, because streams are its own."""
    code = (
        "import sys; from fake_assistant import FakeAssistant; import app.__main__ as command;"
        "command.load_assistant = lambda args: FakeAssistant();"
        "sys.exit(command.main(sys.argv[1:]))"
    )
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), str(root / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=piped,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "0"} | environment,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_file_name_that_is_not_utf8_is_no_obstacle(clip: str, tmp_path: Path) -> None:
    name = os.fsdecode(str(tmp_path).encode() + b"/caf\xe9.mp4")
    shutil.copy(clip, name)
    code, out, _ = run(["ask", name, "--json", "What?"])
    assert (code, json.loads(out)["seen"][0]["name"]) == (0, "caf\ufffd.mp4")
    code, out, _ = run(["terminal", name], b"What?\n")
    assert code == 0
    assert b"You asked: **What?**" in out


def test_output_encodings_and_undecodable_input_do_not_end_a_chat(clip: str) -> None:
    asked = "\ufeffWas ist \u4f60?\n".encode() + b"Caf\xe9?\n"
    for arguments, encoding in (
        (["ask", clip, "-"], "ascii"),
        (["terminal", clip], "latin-1"),
    ):
        code, out, _ = run(arguments, asked, PYTHONIOENCODING=encoding)
        assert code == 0
        assert b"(1 turns before)" in out
        assert b"**Was" in out
    code, out, _ = run(["ask", clip, "--json", "-"], asked, PYTHONIOENCODING="latin-1")
    questions = [json.loads(line)["question"] for line in out.splitlines()]
    assert (code, questions) == (0, ["Was ist \u4f60?", "Caf\xe9?"])


def test_a_file_can_be_piped_in(clip: str) -> None:
    code, out, _ = run(["ask", "--json", "-", "What?"], Path(clip).read_bytes())
    assert (code, json.loads(out)["seen"][0]["name"]) == (0, "standard input")


def test_without_a_command_the_help_is_printed() -> None:
    code, out, _ = run([])
    assert (code, b"examples:" in out) == (0, True)
    assert run(["--version"])[1].startswith(b"Revisit ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ask", "http://example.org/a.mp4", "What?"], b"not fetched"),
        (["ask", "https://example.org/a.mp4"], b"https://example.org/a.mp4: web addresses"),
        (["chat", "--port", "70000"], b"--port is 70000"),
        (["ask", __file__, "What?"], b"test_app_command.py"),
        (["ask", "--frames", "0", "What?"], b"--frames is 0"),
    ],
)
def test_bad_input_is_refused_before_the_model_loads(arguments: list[str], sentence: bytes) -> None:
    code, out, errors = run(arguments)
    assert (code, out) == (2, b"")
    assert sentence in errors
    assert errors.count(b"\n") == 1
