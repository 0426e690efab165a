"""Stage 1 on repeated images: running the frozen backbone, compared with caching its features.

The embedded model's tower and compressor with random weights, forward and backward, without a
language model, as in `objective: words`.
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
    """Returns a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        return _table(Path(folder), 2 if quick else 5)


def _table(folder: Path, repeats: int) -> list[str]:
    torch.manual_seed(0)
    text = {**PRESETS["embedded"]["text_config"], "num_hidden_layers": 1}  # does not run
    model = build_model("embedded", text_config=text)
    model.tower.backbone.requires_grad_(False)
    pictures = torch.randn(BATCH, 3, 256, 256)
    times = [0.0, 0.5] * BATCH

    def learn() -> None:
        model.encode(pictures, [1] * BATCH, [2] * BATCH, times).square().mean().backward()

    def without_cache() -> None:
        model.tower.cached_backbone = None
        learn()

    def with_cache() -> None:
        model.tower.cached_backbone = cached
        learn()

    cache_backbone_features(model, DiskCache(folder / "features", 2**30))
    cached = model.tower.cached_backbone
    with_cache()
    took = medians({"backbone runs": without_cache, "features cached": with_cache}, repeats)
    base = took["backbone runs"]
    return [
        f"## A frozen backbone ({BATCH} images, two looks each)",
        "",
        "| | median | relative to running it | CPU time |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one.clock * 1e3:.0f} ms | {one.clock / base.clock:.2f} | "
            f"{one.processor / base.processor:.2f} |"
            for name, one in took.items()
        ),
        "",
    ]
