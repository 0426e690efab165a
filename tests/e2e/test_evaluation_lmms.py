"""Runs our model on a toy task with the real `lmms-eval` command and checks its results file.

Its exit code is not informative: lmms-eval 0.7 exits with 0 even if the run failed.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media_maker import write_video
from PIL import Image as Picture
from tiny import tiny_assistant

from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt
from evaluation.lmms.requests import from_simple
from vlm.media.decode import MediaReader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("lmms_eval") is None,
        reason="lmms-eval is not installed; it wants an environment of its own",
    ),
    pytest.mark.skipif(
        not any(ep.name == "revisit" for ep in entry_points(group="lmms_eval.models")),
        reason="the checkout is not installed here: pip install --no-deps -e .",
    ),
]
FRAMES, LENGTH = 3, 8
TASK = """task: revisit_toy
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: generate_until
doc_to_visual: !function toy_utils.visuals
doc_to_text: question
doc_to_messages: !function toy_utils.messages
doc_to_target: answer
generation_kwargs:
  max_new_tokens: {length}
  temperature: 0
  do_sample: false
process_results: !function toy_utils.score
metric_list:
  - metric: same
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
UTILS = """from PIL import Image


def visuals(doc):
    path = doc["medium"]
    return [path if path.endswith("mp4") else Image.open(path).convert("RGB")] if path else []


def messages(doc, lmms_eval_specific_kwargs=None):
    content = [
        {"type": "video" if isinstance(visual, str) else "image", "url": visual}
        for visual in visuals(doc)
    ]
    return [{"role": "user", "content": [*content, {"type": "text", "text": doc["question"]}]}]


def score(doc, results):
    return {"same": float(results[0] == doc["answer"])}
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and a task of text, images and videos whose targets are the model's own answers.

    The target of the last question differs.
    """
    folder = tmp_path_factory.mktemp("toy")
    assistant = tiny_assistant()
    assistant.close()
    assistant.model.save_pretrained(folder / "model")
    assistant.processor.save_pretrained(folder / "model")
    random = np.random.default_rng(0)
    docs: list[dict[str, Any]] = []
    for i in range(7):
        medium = ""
        if i % 3 == 1:
            medium = str(folder / f"{i}.png")
            pixels = random.integers(0, 256, (20 + i, 30, 3), np.uint8)
            Picture.fromarray(pixels).save(medium)
        elif i % 3 == 2:
            medium = str(folder / f"{i}.mp4")
            write_video(Path(medium), 12 + i, fps=5, size=(64, 48))
        docs.append({"question": f"Question {i}{'?' * i}", "medium": medium})
    settings = GenerateSettings(max_new_tokens=LENGTH)
    answerer = Answerer(assistant.model, assistant.processor, 1, settings)
    with MediaReader() as reader:
        for doc in docs:
            medium = doc["medium"] or None
            conversation, _ = from_simple(doc["question"], medium, reader, FRAMES)
            doc["answer"] = answerer.answer([Prompt("x", conversation)])[0].text
    docs[-1]["answer"] = "something else"
    assert len({doc["answer"] for doc in docs}) > 4
    task = folder / "task"
    task.mkdir()
    data = folder / "toy.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in docs), encoding="utf-8")
    (task / "toy.yaml").write_text(TASK.format(data=data, length=LENGTH), encoding="utf-8")
    (task / "toy_utils.py").write_text(UTILS, encoding="utf-8")
    return folder


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("more", [[], ["--force_simple"]], ids=["chat", "simple"])
def test_the_lmms_eval_command_receives_our_answers_and_token_counts(
    toy: Path, tmp_path: Path, more: list[str]
) -> None:
    command = [sys.executable, "-m", "lmms_eval", "--model", "revisit"]
    command += ["--model_args", f"pretrained={toy / 'model'},num_frames={FRAMES},dtype=float32"]
    command += ["--tasks", "revisit_toy", "--include_path", str(toy / "task")]
    command += ["--batch_size", "3", "--device", "cpu", "--log_samples", *more]
    command += ["--output_path", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")},
        capture_output=True,
        text=True,
    )
    results = list((tmp_path / "out").rglob("*_results.json"))
    assert len(results) == 1, done.stderr[-4000:]
    found = json.loads(results[0].read_text(encoding="utf-8"))
    assert found["results"]["revisit_toy"]["same,none"] == pytest.approx(6 / 7)
    assert found["n-samples"]["revisit_toy"]["effective"] == 7
    assert found["config"]["model"] == "revisit"

    samples = next((tmp_path / "out").rglob("*_samples_revisit_toy.jsonl"))
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: row["doc_id"])
    assert [row["same"] for row in rows] == [1.0] * 6 + [0.0]
    for row in rows:
        (counts,) = row["token_counts"]
        assert counts["input_tokens"] > 20
        assert 0 < counts["output_tokens"] <= LENGTH
    total = sum(row["token_counts"][0]["output_tokens"] for row in rows)
    assert found["throughput"]["total_gen_tokens"] == total
