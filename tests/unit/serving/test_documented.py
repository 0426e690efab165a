"""The commands and snippets of docs/serving.md and the README run, as a reader would run them."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from media_maker import write_video
from served import Served, served

from app.__main__ import parse
from app.serve.limits import ServeLimits

ROOT = Path(__file__).parents[3]
ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):8000")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/serving.md")
}
SNIPPETS = [
    (page, code)
    for page, text in PAGES.items()
    for language, code in BLOCK.findall(text)
    if language == "python"
]
SHELL = [code for language, code in BLOCK.findall(PAGES["docs/serving.md"]) if language == "sh"]
COMMANDS = [
    line
    for code in SHELL
    for line in code.replace("\\\n", " ").splitlines()
    if "python -m app " in line
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    short = ServeLimits(new_tokens=8)
    with served(tmp_path_factory.mktemp("serve"), short, model="embedded") as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a clip, which is the current one."""
    write_video(tmp_path / "clip.mp4", 20, fps=10, size=(64, 48))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_a_snippet_answers_about_a_local_video(
    server: Served, here: Path, page: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ADDRESS.sub(server.address.removeprefix("http://"), code)
    exec(compile(own, page, "exec"), {})
    assert capsys.readouterr().out.strip()


def test_the_curl_commands_are_answered(server: Served, here: Path) -> None:
    curls = [code for code in SHELL if "curl " in code]
    assert len(curls) == 2
    own = ADDRESS.sub(server.address.removeprefix("http://"), "set -eu\n" + "".join(curls))
    ran = subprocess.run(
        ["bash", "-c", own.replace("curl -s", "curl -sf --noproxy '*' -w '\\n'")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"error"' not in ran.stdout
    assert "data: [DONE]" in ran.stdout
    assert '"probabilities"' in ran.stdout


def test_the_script_of_the_openai_package_runs(here: Path) -> None:
    script = ROOT / "docs" / "clients" / "with_openai.py"
    photo = ROOT / "app" / "assets" / "examples" / "cat.jpg"
    with served(here / "serve") as server:
        address = f"{server.address}/v1"
        ran = subprocess.run(
            [sys.executable, str(script), address, "clip.mp4", str(photo)],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stderr
    assert "tools is not supported" in ran.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_has_the_options_that_are_written(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert parse(words[words.index("app") + 1 :]).command
