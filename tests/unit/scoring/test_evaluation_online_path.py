"""Online benchmarks go through the tower frame by frame, and a killed run goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_assistant

from evaluation.asking import runner
from evaluation.asking.answerer import Answerer, GenerateSettings
from evaluation.asking.online import FrameByFrame
from evaluation.asking.task import Task
from evaluation.benchmarks import BENCHMARKS
from evaluation.json_files import read_json
from evaluation.runs.log import read_log
from evaluation.toy import make_toy
from vlm.conversation import Video

MODEL = {"name": "tiny", "sha256": "0", "parameters": 1, "dtype": "float32", "attention": "sdpa"}


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    assistant = tiny_assistant()
    assistant.close()
    return Answerer(assistant.model, assistant.processor, batch_size=2)


def test_frame_by_frame_gives_the_tokens_of_the_whole_video(answerer: Answerer) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (5, 40, 60, 3), np.uint8)
    media = answerer.processor.prepare(Video(frames, np.arange(5.0)))
    online = answerer.with_settings(GenerateSettings(frame_by_frame=True))
    assert isinstance(online.encoder, FrameByFrame)
    pieces = list(online.encoder.stream(media))
    assert len(pieces) == 5
    whole = answerer.encoder.join(media, list(answerer.encoder.stream(media)))
    torch.testing.assert_close(online.encoder.join(media, pieces), whole, rtol=1e-4, atol=1e-4)
    assert type(answerer.encoder) is not FrameByFrame


def test_a_killed_online_run_goes_on_to_the_same_log(
    answerer: Answerer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_toy("ovobench", tmp_path / "ovobench")
    task = Task(BENCHMARKS["ovobench"], tmp_path / "ovobench", num_frames=3, max_new_tokens=3)
    runner.run(task, answerer, MODEL, tmp_path / "whole")
    answer, count = Answerer.answer, [0]

    def until_the_third(self: Answerer, prompts: Any) -> Any:
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        return answer(self, prompts)

    with monkeypatch.context() as patch:
        patch.setattr(Answerer, "answer", until_the_third)
        with pytest.raises(KeyboardInterrupt):
            runner.run(task, answerer, MODEL, tmp_path / "killed")
    runner.run(task, answerer, MODEL, tmp_path / "killed")
    rows, again = read_log(tmp_path / "whole"), read_log(tmp_path / "killed")
    assert [(row["id"], row["raw"], row["media"]) for row in rows] == [
        (row["id"], row["raw"], row["media"]) for row in again
    ]
    assert {row["error"] for row in rows} == {""}
    for row in rows:
        (medium,) = row["media"]
        assert medium["latest_decoded"] <= medium["until"] == row["extra"]["moment"]
    cards = [(tmp_path / name / "card.txt").read_text() for name in ("whole", "killed")]
    assert cards[0] == cards[1]
    assert "asked frame_by_frame: True" in cards[0]
    asked = read_json(tmp_path / "whole/manifest.json")["identity"]["asked"]
    assert asked["frame_rule"] == "ends of equal segments of the past"
