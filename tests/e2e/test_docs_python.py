"""The snippets of docs/python.md run in order, as a reader would run them."""

import re
import shutil
from pathlib import Path

import pytest

from app.page.asking.examples import FOLDER

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_the_snippets_run(
    embedded_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(FOLDER / "moving-ball.mp4", tmp_path / "clip.mp4")
    shutil.copy(FOLDER / "cat.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    assert len(SNIPPETS) == 7
    names: dict = {}
    for snippet in SNIPPETS:
        exec(compile(snippet, PAGE.name, "exec"), names)
    assert names["finished"].text
    assert names["second"].usage.encoded_clips == 0
    assert names["stream"].num_seen == 3
    assert names["video"].frames.shape[0] == 4
    assert names["features"].tokens.shape == (1, 4, 16, 16)
    assert "photo.jpg image" in capsys.readouterr().out
