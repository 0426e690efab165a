"""Stage 1 on pictures that come again: the frozen backbone is run, or its features are kept.

The embedded model's tower and compressor with random weights, forward and backward; without a
language model, as `objective: words` trains.
"""

import tempfile
from pathlib import Path

import torch

from benchmarks.timing import medians
from data.samples.disk_cache import DiskCache
from training.model.feature_cache import cache_backbone_features
from vlm.presets import PRESETS, build_model

BATCH = 16  # as in training/recipes/embedded-pretrain.yaml


def run(quick: bool = False) -> list[str]:
    """A table in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        return _table(Path(folder), 2 if quick else 5)


def _table(folder: Path, repeats: int) -> list[str]:
    torch.manual_seed(0)
    text = {**PRESETS["embedded"]["text_config"], "num_hidden_layers": 1}  # not run here
    model = build_model("embedded", text_config=text)
    model.tower.backbone.requires_grad_(False)
    pictures = torch.randn(BATCH, 3, 256, 256)
    times = [0.0, 0.5] * BATCH

    def learn() -> None:
        model.encode(pictures, [1] * BATCH, [2] * BATCH, times).square().mean().backward()

    def run_it() -> None:
        model.tower.cached_backbone = None
        learn()

    def read_it() -> None:
        model.tower.cached_backbone = kept
        learn()

    cache_backbone_features(model, DiskCache(folder / "features", 2**30))
    kept = model.tower.cached_backbone
    read_it()
    took = medians({"the backbone runs": run_it, "its features are kept": read_it}, repeats)
    base = took["the backbone runs"]
    return [
        f"## A frozen backbone ({BATCH} pictures, two looks each)",
        "",
        "| | median | of running it | by processor time |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one.clock * 1e3:.0f} ms | {one.clock / base.clock:.2f} | "
            f"{one.processor / base.processor:.2f} |"
            for name, one in took.items()
        ),
        "",
    ]
