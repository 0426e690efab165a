"""`python -m vlm.experts`: lines for images and videos, one sentence for a file it cannot use."""

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.page.asking.examples import FOLDER
from vlm.config import PromptConfig
from vlm.experts.__main__ import main
from vlm.experts.expert_words import expert_words


def test_an_image_gives_a_line_and_a_video_one_per_frame(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [str(FOLDER / "cat.jpg"), str(FOLDER / "moving-ball.mp4")]
    options = ["--experts", "things", "--json", "--frames", "3", "--looks", "2"]
    assert main([*files, *options]) == 0
    image, video = map(json.loads, capsys.readouterr().out.splitlines())
    assert "1 cat (middle large brown)" in image["lines"][0]
    assert (len(image["lines"]), len(video["lines"])) == (2, 4)
    assert image["seconds"].keys() == {"things"}
    assert 0 < video["seconds"]["things"] < 60


def test_the_cost_of_each_expert_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FOLDER / "cat.jpg"), "--experts", "things", "--time"]) == 0
    assert re.search(r"^  Seconds: things \d+\.\d\d$", capsys.readouterr().out, re.M)


def test_a_wrong_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FOLDER / "cat.jpg"), "--experts", "things,faces"]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors == '--experts names "faces"; there are kinds, things, shapes, text, or none.\n'


def test_an_unusable_file_is_one_sentence_and_the_others_are_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert main([str(broken), str(FOLDER / "cat.jpg"), "--experts", "things"]) == 2
    out, errors = capsys.readouterr()
    assert "1 cat" in out
    assert errors.count("\n") == 1
    assert "broken.png" in errors


def test_without_the_reader_one_sentence_is_announced_and_the_others_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    announced: list[str] = []
    processor = SimpleNamespace(prompt_config=PromptConfig(experts=("things", "text")))
    words = expert_words(None, processor, announce=announced.append)
    assert words is not None
    assert words.experts.reader is None
    assert words.experts.detector is not None
    assert len(announced) == 1
    assert "pip install onnxruntime && pip install --no-deps rapidocr" in announced[0]
