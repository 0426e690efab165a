"""What a run of an encoder takes, without running it: shapes alone, no clip is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from training.dry_run.saved_for_backward import FusedAttention, saved_bytes
from training.encoders.objectives import Objective, objective_class
from training.encoders.recipe import EncoderRecipe
from training.encoders.run import with_steps
from training.encoders.tower import BuiltTower, build

GiB = 2**30


@dataclass(frozen=True)
class ClipCost:
    """One clip, forward and backward; frozen parts have no backward."""

    forward: float  # operations: multiplications and additions
    training: float
    saved: float  # bytes of activations, in float32


def dry_run(recipe: EncoderRecipe) -> list[str]:
    """Returns the report as lines of Markdown. Raises ValueError for wrong values or lists."""
    objective = objective_class(recipe.objective).read(recipe)
    recipe = with_steps(recipe, objective, recipe.samples_per_process)
    built = on_meta(recipe)
    with torch.device("meta"):
        model = objective.model(built)
        examples = list(objective.examples(built).values())
    cost = mean_cost([clip_cost(model, objective.model_inputs(b)) for b in examples])
    return [
        f"# {recipe.output or 'a run'}: {name_of(recipe)} (dry run)",
        "",
        *parameter_table(built, model),
        *clip_lines(recipe, built, cost),
        *run_lines(recipe, objective, cost),
        *memory_table(recipe, model, cost),
    ]


def on_meta(recipe: EncoderRecipe) -> BuiltTower:
    """Returns the encoder without values; only one that continues a model's tower is read."""
    if not recipe.encoder and not recipe.preset:
        built = build(recipe)
        built.tower.to("meta")
        return built
    with torch.device("meta"):
        return build(replace(recipe, weights=""))


def name_of(recipe: EncoderRecipe) -> str:
    """What the recipe trains, in a word."""
    return recipe.encoder or recipe.preset or recipe.model


def mean_cost(costs: Sequence[ClipCost]) -> ClipCost:
    """Of clips of several kinds: the mean operations, and the most memory."""
    number = len(costs)
    return ClipCost(
        sum(cost.forward for cost in costs) / number,
        sum(cost.training for cost in costs) / number,
        max(cost.saved for cost in costs),
    )


def clip_cost(model: nn.Module, inputs: dict[str, Any]) -> ClipCost:
    """Runs one clip forward and backward on the meta device."""
    with torch.no_grad():
        model(**inputs)  # features of texts that are kept are not computed again
    with (
        FusedAttention(),
        sdpa_kernel(SDPBackend.MATH),
        saved_bytes(model) as saved,
        FlopCounterMode(display=False) as forward,
    ):
        outputs = model(**inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = sum(out.sum() for out in outputs if out.requires_grad)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    total = forward.get_total_flops()
    return ClipCost(total, total + backward.get_total_flops(), saved[0])


def parameter_table(built: BuiltTower, model: nn.Module) -> list[str]:
    """Parameters of the encoder and its head, in total and trained."""
    inside = {id(p) for p in built.tower.parameters()}
    parts: dict[str, Sequence[nn.Parameter]] = {
        "encoder": list(built.tower.parameters()),
        "head": [p for p in model.parameters() if id(p) not in inside],
        "total": list(model.parameters()),
    }
    lines = ["| part | parameters | trained |", "|---|---:|---:|"]
    for name, parameters in parts.items():
        total = sum(p.numel() for p in parameters)
        trained = sum(p.numel() for p in parameters if p.requires_grad)
        lines.append(f"| {name} | {total:,} | {trained:,} |")
    return [*lines, ""]


def clip_lines(recipe: EncoderRecipe, built: BuiltTower, cost: ClipCost) -> list[str]:
    """Returns the shape and the operations of one clip."""
    S, T = built.config.image_size, built.num_frames
    frames, rows, columns = built.tower.token_grid(T, S, S)
    return [
        f"A clip of {T} frames of {S} x {S} pixels gives {frames} x {rows} x {columns} tokens of "
        f"width {built.tower.dim}: {cost.forward / 2e9:,.3g} billion multiply-adds forward, "
        f"{cost.training / 2e9:,.3g} with the backward pass.",
        "",
    ]


def run_lines(recipe: EncoderRecipe, objective: Objective, cost: ClipCost) -> list[str]:
    """Clips and operations of the run on one device."""
    clips = recipe.steps * recipe.samples_per_process
    epochs = clips / max(objective.num_samples, 1)
    return [
        f"The run on one device: {objective.summary()}; {recipe.steps:,} steps of "
        f"{recipe.samples_per_process} clips, {clips:,} clips, {epochs:,.1f} epochs, "
        f"{clips * cost.training / 1e15:,.3g} PFLOP.",
        "",
    ]


def memory_table(recipe: EncoderRecipe, model: nn.Module, cost: ClipCost) -> list[str]:
    """GiB of one device by use, in float32; half of the activations in bfloat16."""
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    rows: dict[str, Any] = {
        "parameters": weights,
        "gradients and AdamW's moments": 12 * trained,
        f"activations, batch of {recipe.batch_size}": recipe.batch_size * cost.saved,
    }
    rows["total"] = sum(rows.values())
    lines = ["| on one device, in float32 | GiB |", "|---|---:|"]
    return [*lines, *(f"| {name} | {size / GiB:,.3g} |" for name, size in rows.items())]
