"""Training at real size if there is a GPU: PVC's 0.3 B tower on language models of 1 to 8 B.

Random weights, bfloat16 as in the trainer (trained weights are fp32), gradient checkpointing, one
row of a video and text. Model FLOPs utilization is the operations counted on the meta device
(training/dry_run/flops.py), forward and backward without recomputation, divided by the seconds of a
step and the peak of the GPU.
"""

import gc
import time
from dataclasses import replace
from typing import Any

import torch

from training.dry_run.flops import Shape, sample_cost
from training.dry_run.report import meta_model
from training.model.trainable_parts import parameter_groups, prepare_parts
from training.recipe import Lora, Recipe, Source
from training.trainer import checkpoint_activations
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
FRAMES, TEXT, ANSWER = 32, 512, 256
RECIPE = Recipe(
    data=(Source("none", kind="video"),),
    output="none",
    model="pvc-internvl2-2b",
    lora=None,
    train_language_model=True,
    gradient_checkpointing=True,
)
RUNS = {
    "2 B, all parameters": RECIPE,
    "2 B, adapters": replace(RECIPE, lora=Lora(16, 32), train_language_model=False),
    "8 B, adapters": replace(
        RECIPE, model="pvc-internvl2-8b", lora=Lora(16, 32), train_language_model=False,
        freeze=("backbone", "compressor"),
    ),
}  # fmt: skip


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table, or a sentence if there is no GPU."""
    title = "## Training at real size on a GPU"
    if not torch.cuda.is_available():
        return [title, "", "Not measured: this machine has no CUDA device.", ""]
    card = torch.cuda.get_device_name()
    peak = next((flops for name, flops in PEAKS.items() if name in card), None)
    lines = [
        f"{title} ({card}; a video of {FRAMES} frames and {TEXT} tokens of text, {ANSWER} learned)",
        "",
        "| model | step | tokens/s | MFU | peak memory |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, recipe in list(RUNS.items())[: 1 if quick else None]:
        lines.append(measured(name, recipe, peak, 2 if quick else 5))
        gc.collect()
        torch.cuda.empty_cache()
    return [*lines, ""]


def measured(name: str, recipe: Recipe, peak: float | None, steps: int) -> str:
    """Returns one row: the median of a few steps, or that the model does not fit."""
    torch.cuda.reset_peak_memory_stats()
    try:
        seconds, tokens = train(recipe, steps)
    except torch.cuda.OutOfMemoryError:
        return f"| {name} | does not fit | | | |"
    shape = Shape("video", 1.0, 1, FRAMES, FRAMES, TEXT, ANSWER)
    flops = sample_cost(meta_model(recipe).bfloat16(), shape).training
    used = f"{100 * flops / seconds / peak:.0f} %" if peak else "peak unknown"
    memory = torch.cuda.max_memory_allocated() / 2**30
    return f"| {name} | {seconds:.2f} s | {tokens / seconds:,.0f} | {used} | {memory:.1f} GiB |"


def train(recipe: Recipe, steps: int) -> tuple[float, int]:
    """Returns the seconds and the tokens of a step."""
    config = preset_config(recipe.model)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            model = PVCForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(torch.float32)
    prepare_parts(model, recipe)
    model.config.use_cache = False
    checkpoint_activations(model)
    model.train()
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe), lr=1e-5, fused=True)
    batch = one_row(model)
    took = []
    for _ in range(steps + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    return sorted(took[2:])[steps // 2], batch["input_ids"].shape[1]


def one_row(model: PVCForConditionalGeneration) -> dict[str, Any]:
    """Returns a batch of a video and text, [1, L]."""
    num_visual = FRAMES * model.config.tokens_per_look
    ids = torch.randint(10, 1000, (1, num_visual + TEXT), device="cuda")
    ids[:, :num_visual] = model.config.image_token_id
    labels = torch.full_like(ids, -100)
    labels[:, -ANSWER:] = ids[:, -ANSWER:]
    size = model.config.image_size
    return {
        "input_ids": ids,
        "labels": labels,
        "pixel_values": torch.randn(FRAMES, 3, size, size, device="cuda"),
        "clip_frames": torch.tensor([FRAMES]),
        "clip_looks": torch.tensor([FRAMES]),
        "timesteps": torch.arange(FRAMES) / FRAMES,
    }
