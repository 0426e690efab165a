"""Computes the parameters, operations and memory of a recipe's run, without running it.

    python -m training.instruct training/recipes/pvc-internvl2-8b-instruct.yaml --dry-run

The model is built on torch's meta device, which has shapes but no values, so a model of ten billion
parameters takes seconds and no memory. A sample of each kind runs forward and backward, which gives
the shapes, the operations (counted by torch; frozen parts have no backward) and the activations
saved for the backward pass. The data need not exist if each source has a `kind`; where they do, the
kinds are read from them, and records too long for the run are named (training/dry_run/data.py).

Memory is an estimate of parameters, gradients and AdamW's two moments, sharded as chosen, and of
saved activations. It excludes libraries, communication buffers and fragmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.dry_run.data import long_records, shares_by_kind
from training.dry_run.flops import Cost, Shape, sample_cost
from training.model.trainable_parts import prepare_parts
from training.recipe import Recipe
from training.sources import steps_of_epochs
from vlm.assemble.swap import config_with_encoder
from vlm.config import PVCConfig
from vlm.encoders.pvc import ProgressiveEncoder
from vlm.model import PVCForConditionalGeneration
from vlm.presets import PRESETS, preset_config

SHARDINGS = {  # whether parameters, gradients and optimizer states are sharded
    "none": (False, False, False),
    "optimizer": (False, False, True),
    "gradients": (False, True, True),
    "full": (True, True, True),
}
GiB = 2**30


@dataclass(frozen=True)
class Machine:
    """The devices of the run."""

    devices: int = 8
    sharding: str = "full"
    memory: float = 80.0  # GiB of one device

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise ValueError(f"--devices must be at least 1, not {self.devices}")
        if self.sharding not in SHARDINGS:
            raise ValueError(
                f"--sharding must be one of {', '.join(SHARDINGS)}, not {self.sharding!r}"
            )


def dry_run(
    recipe: Recipe, machine: Machine, text_tokens: int = 192, answer_tokens: int = 64
) -> list[str]:
    """Returns the report as lines of Markdown."""
    if recipe.num_epochs is not None:
        recipe = replace(recipe, steps=steps_of_epochs(recipe, machine.devices))
    shares, notes = shares_by_kind(recipe)
    model = meta_model(recipe)
    parameters = parameter_table(model)
    fixed = fixed_memory(model, machine)
    model.bfloat16()
    shapes = sample_shapes(recipe, shares, model.config, text_tokens, answer_tokens)
    costs = {shape: sample_cost(model, shape) for shape in shapes}
    largest = max(costs, key=lambda shape: shape.tokens(model.config))
    longest = replace(largest, frames=recipe.max_frames, looks=recipe.max_frames)
    worst = sample_cost(model, longest) if largest.frames > 1 else costs[largest]
    return [
        f"# {recipe.output}: {recipe.model} (dry run)",
        "",
        *(line for note in notes for line in (note, "")),
        *parameters,
        *sample_table(costs, model.config, model.tower.dim),
        *step_lines(recipe, machine, costs, model.config),
        *memory_table(fixed, recipe, machine, costs, worst),
        *long_records(recipe),
    ]


def meta_model(recipe: Recipe) -> PVCForConditionalGeneration:
    """Returns the recipe's model on the meta device, with parts frozen as in training."""
    name = "embedded" if recipe.model == "embedded-trained" else recipe.model
    if name in PRESETS:
        config = preset_config(name)
    elif (Path(recipe.model) / "config.json").is_file():
        config = PVCConfig.from_pretrained(recipe.model)
    else:
        raise ValueError(
            f'"{recipe.model}" is neither a preset ({", ".join(PRESETS)}) nor a model folder'
        )
    if recipe.encoder:
        config = config_with_encoder(config, recipe.encoder)
    # Scaled rotary embeddings read positions, which have no values here; shapes stay the same.
    text: Any = config.text_config
    text.rope_parameters = {"rope_type": "default", "rope_theta": 1e4}
    with torch.device("meta"):
        model = PVCForConditionalGeneration(config)
    with torch.device("meta"):
        prepare_parts(model, recipe)
    return model


def sample_shapes(
    recipe: Recipe,
    shares: dict[str, float],
    config: PVCConfig,
    text_tokens: int,
    answer_tokens: int,
) -> list[Shape]:
    """Returns a typical sample of each kind, with its share of the run."""
    looks = round(sum(probability * (i + 1) for i, probability in enumerate(recipe.looks)))
    frames = (recipe.min_frames + recipe.max_frames) // 2
    of_kind = {
        "image": (config.prompt_config.default_tiles, 1, looks),
        "video": (1, frames, frames),
        "text": (0, 0, 0),
    }
    return [
        Shape(kind, share, *of_kind[kind], text_tokens, answer_tokens)
        for kind, share in shares.items()
    ]


def parameter_table(model: PVCForConditionalGeneration) -> list[str]:
    """Parameters by part, in total and trained."""
    tower = model.tower
    parts: dict[str, list[nn.Module]] = {"tower": [tower]}
    if isinstance(tower, ProgressiveEncoder):
        parts = {
            "tower, image backbone": [m for n, m in tower.named_children() if n == "backbone"],
            "tower, progressive layers": [m for n, m in tower.named_children() if n != "backbone"],
        }
    parts |= {
        "compressor": [model.compressor],
        "language model": [model.language_model],
        "total": [model],
    }
    lines = ["| part | parameters | trained |", "|---|---:|---:|"]
    for name, modules in parts.items():
        parameters = [p for module in modules for p in module.parameters()]
        total = sum(p.numel() for p in parameters)
        trained = sum(p.numel() for p in parameters if p.requires_grad)
        lines.append(f"| {name} | {total / 1e6:,.1f} M | {trained / 1e6:,.1f} M |")
    return [*lines, ""]


def sample_table(costs: dict[Shape, Cost], config: PVCConfig, dim: int) -> list[str]:
    """Returns the shapes, tokens and operations of a sample of each kind."""
    (rows, columns), S = config.grid, config.image_size
    lines = [
        f"A frame has {S} x {S} pixels and {rows} x {columns} patches of width "
        f"{dim}; a look has {config.tokens_per_look} tokens of width "
        f"{config.text_width}.",
        "",
        "| sample | share | pixels | looks | tokens | forward | forward and backward |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for shape, cost in costs.items():
        pixels = f"{shape.clips} x [{shape.frames}, 3, {S}, {S}]" if shape.clips else "none"
        lines.append(
            f"| {shape.name} | {100 * shape.share:.0f} % | {pixels} | "
            f"{shape.clips * shape.looks} | {shape.tokens(config):,} | "
            f"{cost.forward / 1e12:,.1f} TFLOP | {cost.training / 1e12:,.1f} TFLOP |"
        )
    parts: dict[str, float] = {}
    for shape, cost in costs.items():
        for part, flops in cost.parts.items():
            parts[part] = parts.get(part, 0.0) + shape.share * flops
    shares = ", ".join(f"{p} {100 * f / sum(parts.values()):.0f} %" for p, f in parts.items())
    return [*lines, "", f"Share of the operations of the mean sample: {shares}.", ""]


def step_lines(
    recipe: Recipe, machine: Machine, costs: dict[Shape, Cost], config: PVCConfig
) -> list[str]:
    """Samples, tokens and operations of a step and of the run."""
    samples = recipe.samples_per_process * machine.devices
    tokens = sum(shape.share * shape.tokens(config) for shape in costs)
    flops = sum(shape.share * cost.training for shape, cost in costs.items())
    if recipe.gradient_checkpointing:
        flops += sum(shape.share * cost.forward for shape, cost in costs.items())
    total = recipe.steps * samples
    return [
        f"A step: {recipe.batch_size} samples x {recipe.gradient_accumulation_steps} x "
        f"{machine.devices} devices = {samples:,} samples, {samples * tokens:,.0f} tokens, "
        f"{samples * flops / 1e15:,.1f} PFLOP"
        + (" (with recomputation in the backward pass)." if recipe.gradient_checkpointing else "."),
        f"The run: {recipe.steps:,} steps, {total:,} samples, {total * tokens / 1e9:,.2f} billion "
        f"tokens, {total * flops / 1e21:,.2f} ZFLOP.",
        "",
    ]


def memory_table(
    fixed_parts: dict[str, float],
    recipe: Recipe,
    machine: Machine,
    costs: dict[Shape, Cost],
    worst: Cost,
) -> list[str]:
    """GiB of one device by use, with and without activation checkpointing."""
    mean = sum(shape.share * cost.saved for shape, cost in costs.items())
    mean_again = sum(shape.share * cost.saved_checkpointed for shape, cost in costs.items())
    lines = [
        f"| on each of {machine.devices} devices, sharding {machine.sharding} | GiB |",
        "|---|---:|",
        *(f"| {name} | {size / GiB:,.1f} |" for name, size in fixed_parts.items()),
    ]
    fixed = sum(fixed_parts.values())
    rows: Sequence[tuple[str, float, float]] = (
        ("activations", mean, worst.saved),
        ("activations, with gradient_checkpointing", mean_again, worst.saved_checkpointed),
    )
    for name, of_mean, of_worst in rows:
        batch = recipe.batch_size
        for what, size in (
            (f"batch of {batch}", batch * of_mean),
            (f"batch of {batch} with the longest sample", (batch - 1) * of_mean + of_worst),
        ):
            fits = "" if (fixed + size) / GiB <= machine.memory else ", **does not fit**"
            lines.append(
                f"| {name}, {what} | {size / GiB:,.1f} "
                f"(total {(fixed + size) / GiB:,.1f} of {machine.memory:.0f}{fits}) |"
            )
    return [*lines, ""]


def fixed_memory(model: PVCForConditionalGeneration, machine: Machine) -> dict[str, float]:
    """Bytes on one device that do not depend on the batch."""
    split = [machine.devices if sharded else 1 for sharded in SHARDINGS[machine.sharding]]
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    memory = {
        "parameters": weights / split[0],
        "gradients": 4 * trained / split[1],
        "AdamW's moments": 8 * trained / split[2],
    }
    if split[0] > 1:  # the largest module that is gathered at once, in bf16
        largest = max(
            sum(p.numel() for p in module.parameters())
            for module in (model.compressor, *model.language_model.get_decoder().layers)
        )
        memory["gathered weights"] = 2 * 2 * largest
    return memory
