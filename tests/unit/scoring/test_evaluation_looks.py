"""The looks and frames experiment: questions, resuming after a kill, table and plot."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image
from tiny import tiny_assistant

from evaluation.asking.answerer import Answerer
from evaluation.looks import experiment
from evaluation.looks.options import add_looks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images, two of them with text, and two videos, one of which shows its answer."""
    folder = tmp_path_factory.mktemp("held")
    random = np.random.default_rng(0)
    lines = []
    for task, medium in [
        ("word", "image"),
        ("detail", "image"),
        ("colour", "image"),
        ("motion", "video"),
        ("cannot see", "video"),
    ]:
        name = f"{task}.png" if medium == "image" else f"{task}.mp4"
        if medium == "image":
            pixels = random.integers(0, 256, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name)
        else:
            write_video(folder / name, 6, fps=3, size=(32, 32))
        user = [{"type": medium, medium: name}, {"type": "text", "text": "What?"}]
        messages = [
            {"role": "user", "content": user},
            {"role": "assistant", "content": "Red."},
        ]
        lines.append({"id": task, "messages": messages, "task": task, "accept": [["red"]]})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "records.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Records (id, visual tokens, looks or frames) of every question asked of a tiny model."""
    assistant = tiny_assistant()
    assistant.close()
    seen: list[tuple[str, int, int]] = []

    class Watched(Answerer):
        def with_settings(self, settings: Any) -> "Watched":
            return Watched(self.model, self.processor, self.batch_size, settings, self.card)

        def answer(self, questions: Any) -> Any:
            answers = super().answer(questions)
            number = self.settings.looks or self.settings.num_frames or 0
            for question, answer in zip(questions, answers, strict=True):
                seen.append((question.id, answer.visual_tokens, number))
            return answers

    def load(name: str, batch_size: int, dtype: Any = None) -> Watched:
        return Watched(assistant.model, assistant.processor, batch_size)

    monkeypatch.setattr(experiment.Answerer, "load", load)
    monkeypatch.setattr(experiment, "resolve", lambda name: Path(name))
    return seen


def options(folder: Path, out: Path, *more: str) -> Namespace:
    parser = ArgumentParser()
    add_looks(parser.add_subparsers(dest="command"))
    return parser.parse_args(
        ["looks", "--data", str(folder), "--out", str(out), "--looks", "1", "3", "--frames", "2"]
        + list(more)
    )


def test_images_of_text_get_more_looks_and_videos_more_frames(
    folder: Path, tmp_path: Path, asked: list[tuple[str, int, int]]
) -> None:
    points = experiment.measure(options(folder, tmp_path))
    per_look = tiny_tokens_per_look()
    assert asked == [
        ("word", per_look, 1),
        ("detail", per_look, 1),
        ("word", 3 * per_look, 3),
        ("detail", 3 * per_look, 3),
        ("motion", 2 * per_look, 2),
    ]
    assert [(p.kind, p.number, p.total) for p in points] == [
        ("looks", 1, 2),
        ("looks", 3, 2),
        ("frames", 2, 1),
    ]


def tiny_tokens_per_look() -> int:
    from vlm.presets import preset_config

    return preset_config("test").tokens_per_look


def test_a_resumed_run_asks_only_the_remaining_questions(
    folder: Path, tmp_path: Path, asked: list[tuple[str, int, int]]
) -> None:
    whole = experiment.measure(options(folder, tmp_path))
    log = tmp_path / "looks.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    asked.clear()
    assert experiment.measure(options(folder, tmp_path)) == whole
    assert [(name, number) for name, _, number in asked] == [("detail", 3), ("motion", 2)]
    assert log.read_bytes() == b"".join(lines)


def test_the_command_writes_a_table_json_and_plots(
    folder: Path,
    tmp_path: Path,
    asked: list[tuple[str, int, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "other").mkdir()
    beside = f"plain={tmp_path / 'other'}"
    assert experiment.run_looks(options(folder, tmp_path, "--beside", beside)) == 0
    printed = capsys.readouterr().out
    title = "right on text and small detail"
    head = f"| looks | {title}, embedded | {title}, plain |"
    assert head in printed
    assert "| 3 | 0 % (0 to 66, n = 2) | 0 % (0 to 66, n = 2) |" in printed
    assert "| 2 | 0 % (0 to 79, n = 1) | 0 % (0 to 79, n = 1) |" in printed
    assert (tmp_path / "looks.md").read_text(encoding="utf-8") == printed
    assert len(json.loads((tmp_path / "looks.json").read_text(encoding="utf-8"))) == 6
    assert (tmp_path / "looks.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "looks.svg").read_bytes()


def test_a_limit_applies_to_each_task(folder: Path) -> None:
    records = list(experiment.read_records(folder / "records.jsonl")) * 3
    assert [r.task for r in experiment.select_records(records, "image", 1)] == ["word", "detail"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("--looks", "0"), "--looks takes numbers of 1 or more"),
        (("--limit", "0"), "--limit is 0; it must be 1 or more"),
        (("--data", "/nowhere"), "there is no /nowhere/records.jsonl"),
        (("--beside", "/nowhere"), "/nowhere is neither a folder"),
        (("--beside", "embedded"), "two models are named 'embedded'"),
    ],
)
def test_invalid_arguments_are_refused_in_a_sentence(
    folder: Path, tmp_path: Path, wrong: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        experiment.run_looks(options(folder, tmp_path, *wrong))
