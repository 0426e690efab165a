"""Every encoder of the table trains a tiny assistant for a few steps, as its tower."""

import json
import math
from pathlib import Path

import pytest
import torch

from data.samples.collate import BATCH_INFO, Collator
from tests.media_maker import write_video
from tests.trainable import base_folder, tiny_recipe
from training.dataset import build_dataset
from training.recipe import Recipe, Source
from training.run import prepare_model, train
from vlm.encoders import PRESETS, build_tower
from vlm.weights import sources

pytestmark = pytest.mark.usefixtures("in_float32")
# What it trains is in its summary of the clip alone, which an assistant does not read.
SUMMARY = ("uniformerv2-frozen-test",)
TINY = [name for name in PRESETS if name.endswith("-test")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, and records of pictures and of a clip."""
    root = base_folder(tmp_path_factory.mktemp("towers"))
    write_video(root / "clip.mp4", 12, size=(64, 48))
    content = [{"type": "video", "video": "clip.mp4"}, {"type": "text", "text": "?"}]
    turns = [{"role": "user", "content": content}, {"role": "assistant", "content": "left"}]
    lines = [json.dumps({"id": str(n), "messages": turns}) for n in range(4)]
    (root / "clips.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def recipe(folder: Path, encoder: str, output: str) -> Recipe:
    files = (Source("records.jsonl"), Source("clips.jsonl"))
    return tiny_recipe(folder, output, data=files, encoder=encoder, steps=3, batch_size=4)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", TINY)
def test_an_assistant_is_trained_with_it(encoder: str, folder: Path) -> None:
    settings = recipe(folder, encoder, encoder)
    output = train(settings)
    lines = (output.parent / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    losses = [json.loads(line).get("loss") for line in lines]
    assert len([loss for loss in losses if loss is not None and math.isfinite(loss)]) == 3
    model, _ = sources.load(output, torch.float32)
    before, _ = prepare_model(settings)
    frozen = {
        n for n, p in build_tower(PRESETS[encoder].tower).named_parameters() if not p.requires_grad
    }
    start, end = before.tower.state_dict(), model.tower.state_dict()
    moved = {name for name, value in end.items() if not torch.equal(value, start[name])}
    trained = {n.removeprefix("tower.") for n, p in before.named_parameters() if p.requires_grad}
    assert moved <= trained
    assert not trained & frozen
    assert moved or not trained & start.keys()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", TINY)
def test_a_gradient_reaches_what_is_trained_and_nothing_else(encoder: str, folder: Path) -> None:
    settings = recipe(folder, encoder, "gradients")
    model, processor = prepare_model(settings)
    dataset = build_dataset(settings, model, processor)
    batch = Collator(processor)([dataset[place] for place in range(8)])
    inputs = {k: v for k, v in batch.items() if k not in (*BATCH_INFO, "looks", "targets")}
    model.train()
    model(**inputs).loss.backward()
    assert not batch["quarantined"]
    wrong = {n for n, p in model.named_parameters() if (p.grad is None) == p.requires_grad}
    assert not wrong
    inside = {n.removeprefix("tower.") for n, p in model.named_parameters() if p.requires_grad}
    assert bool(inside & dict(model.tower.named_parameters()).keys()) == (encoder not in SUMMARY)
