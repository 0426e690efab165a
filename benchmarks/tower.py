"""Our image tower compared with transformers' InternVL, and the multiply-adds that PVC adds.

Times both towers at one shape, in alternation. Counts multiply-adds in linear layers at full size
on the meta device, as in table 4 of the paper: 2,048 tokens, 256 of them of one image, without the
head, in units of 2**40. The published 13.3 -> 14.1 results if everything below the first temporal
attention is computed once for four looks.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import InternVLVisionConfig, InternVLVisionModel

from benchmarks.timing import medians
from vlm.config import PVCConfig
from vlm.config_upgrade import upgrade
from vlm.encoders import build_tower
from vlm.encoders.config import TowerConfig
from vlm.fit.estimate import meta_model
from vlm.presets import INTERNVIT_300M, preset_config

SIDE, PATCH, DIM, DEPTH, HEADS = 224, 14, 384, 8, 6
FRAMES = 4
TOKENS, VISUAL = 2048, 256
TERA = 2**40


def run(quick: bool = False) -> list[str]:
    """Returns Markdown tables."""
    return [*compare_towers(3 if quick else 11), *count_multiply_adds()]


def compare_towers(repeats: int) -> list[str]:
    """Times both towers on the same frames."""
    torch.manual_seed(0)
    theirs = InternVLVisionModel(
        InternVLVisionConfig(
            hidden_size=DIM,
            num_hidden_layers=DEPTH,
            num_attention_heads=HEADS,
            attention_bias=True,
            intermediate_size=4 * DIM,
            image_size=SIDE,
            patch_size=PATCH,
            attn_implementation="sdpa",
        )
    ).eval()
    shape: dict[str, Any] = {
        "image_size": SIDE,
        "block": {"dim": DIM, "num_heads": HEADS, "mlp_dim": 4 * DIM},
        "backbone": {"patch_size": PATCH, "depth": DEPTH},
        "temporal": {"num_layers": 0},
    }
    ours = build_tower(TowerConfig(**shape)).eval()
    frames = torch.randn(FRAMES, 3, SIDE, SIDE)
    with torch.inference_mode():
        took = medians(
            {
                "transformers' InternVL vision model": lambda: theirs(frames),
                "ours, without temporal layers": lambda: ours(frames[None]),
            },
            repeats,
        )
    first = next(iter(took.values()))
    return [
        f"## The image tower ({FRAMES} frames of {SIDE} px, {DEPTH} layers of {DIM}, float32)",
        "",
        "| | median | relative to transformers | CPU time |",
        "|---|---|---|---|",
        *(
            f"| {what} | {clock * 1e3:.0f} ms | {clock / first.clock:.2f} x |"
            f" {processor / first.processor:.2f} x |"
            for what, (clock, processor) in took.items()
        ),
        "",
    ]


def count_multiply_adds() -> list[str]:
    """Counts whole models at full size: InternVL2-8B, PVC with four looks, PVC with four copies."""
    base = whole_model(internvl2_8b(), looks=1, copies=1)
    rows = {
        "InternVL2-8B: one look, 256 tokens": base,
        "PVC-InternVL2-8B: four looks, 4 x 64 tokens": whole_model(pvc_8b(), looks=4, copies=1),
        "the same, four copies through the whole tower": whole_model(pvc_8b(), looks=4, copies=4),
    }
    return [
        f"## Multiply-adds of an image and text, {TOKENS:,} tokens, in units of 2**40",
        "",
        "| | counted | relative to InternVL2 |",
        "|---|---|---|",
        *(
            f"| {what} | {n / TERA:.2f} | {100 * (n / base - 1):+.1f} % |"
            for what, n in rows.items()
        ),
        "",
    ]


def pvc_8b() -> PVCConfig:
    return preset_config("pvc-internvl2-8b")


def internvl2_8b() -> PVCConfig:
    """Returns the base model of PVC: all layers spatial, 2 x 2 patches per token, no AdaLN."""
    tower = upgrade(
        "tower", INTERNVIT_300M, {"backbone": {"depth": 24}, "temporal": {"num_layers": 0}}
    )
    compressor = {"factor": 2, "adaptive": False}
    return preset_config("pvc-internvl2-8b", tower=tower, compressor=compressor)


def whole_model(config: PVCConfig, looks: int, copies: int) -> int:
    """Counts the text and one image seen `looks` times, as one still frame or as copies."""
    model = meta_model(config)
    size = config.image_size
    pixels = torch.empty(copies, 3, size, size, device="meta")
    times = [look / looks for look in range(looks)]

    def look() -> None:
        assert len(model.encode(pixels, [copies], [looks], times)) == VISUAL

    layers = [m for m in model.get_decoder().modules() if isinstance(m, nn.Linear)]
    text = TOKENS * sum(layer.weight.numel() for layer in layers)  # each once for every token
    return text + linear_multiply_adds(model, look)


def linear_multiply_adds(model: nn.Module, task: Callable[[], Any]) -> int:
    """Counts the multiply-adds in the linear layers of a model while a task runs."""
    total = 0

    def add(module: nn.Linear, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += output.numel() * module.in_features

    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, nn.Linear)]
    try:
        with torch.inference_mode():
            task()
    finally:
        for hook in hooks:
            hook.remove()
    return total
