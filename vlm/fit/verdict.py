"""Whether a model fits, said before it is loaded, and what to change where it does not.

What is needed comes from `vlm.fit.estimate`, what there is from `vlm.fit.hardware`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from vlm.config import PVCConfig
from vlm.fit.estimate import (
    Load,
    Need,
    cache_bytes,
    estimate,
    looking_model,
    meta_model,
    weight_bytes,
)
from vlm.fit.hardware import GB, Memory, cpu_multiplies_bfloat16, gigabytes
from vlm.model import PVCForConditionalGeneration

# Allocators need somewhat more than the tensors themselves: 7 % in what we measured on a CPU.
MARGIN = 1.1
EASY = 0.25  # of what is free: below this nobody needs the details
FEW_FRAMES, SHORT_CONTEXT = 4, 1024


@dataclass(frozen=True)
class Choice:
    """How a model is to be held and used."""

    dtype: torch.dtype
    quantize: str | None
    load: Load
    device: torch.device


@dataclass(frozen=True)
class Verdict:
    """What is said, and whether the weights at least find room."""

    sentence: str
    weights_fit: bool
    fits: bool


def verdict(config: PVCConfig, choice: Choice, room: Memory) -> Verdict:
    """What this model needs, what there is, and advice where it is too much."""
    model = meta_model(config)
    weights = weight_bytes(model, choice.dtype, choice.quantize)
    size = f"{model.num_parameters() / GB:.2f} billion parameters"
    if model.num_parameters() < 0.1 * GB:
        size = f"{model.num_parameters() / 1e6:.0f} million parameters"
    size += f" in {_format(choice)}"
    there = f"{gigabytes(room.free)} are free {room.name}"
    if weights * MARGIN > room.free:
        sentence = f"{size} take {gigabytes(weights)} alone, but {there}. "
        return Verdict(sentence + advice(config, choice, room, model), False, False)
    cache = cache_bytes(config.get_text_config(), choice.load.context, choice.dtype)
    if weights + cache < EASY * room.free:  # and looking takes less than either
        return Verdict(f"{size}, {gigabytes(weights)}; {there}.", True, True)
    need = estimate(config, choice.dtype, choice.load, choice.quantize, model)
    parts = describe(need, choice.load)
    if fits(need, room):
        return Verdict(f"{size}: {parts}; {there}.", True, True)
    sentence = f"{size}: {parts}, together {gigabytes(need.total)}, but {there}. "
    return Verdict(sentence + advice(config, choice, room, model), True, False)


def fits(need: Need, room: Memory) -> bool:
    return need.total * MARGIN <= room.free


def describe(need: Need, load: Load) -> str:
    """The parts of what is needed, in words."""
    return (
        f"weights {gigabytes(need.weights)}, {load.context:,} tokens of conversation"
        f" {gigabytes(need.cache)}, looking at {load.frames} frames or {load.tiles} tiles"
        f" {gigabytes(max(need.looking, need.reading))}"
    )


def advice(
    config: PVCConfig, choice: Choice, room: Memory, model: PVCForConditionalGeneration
) -> str:
    """Changes that would make it fit: each alone, or else all together."""
    looker, found = looking_model(config), []
    for words, other in changes(choice):
        need = estimate(config, other.dtype, other.load, other.quantize, model, looker)
        if fits(need, room):
            found.append(f"{words} ({gigabytes(need.total)})")
    if found:
        return f"It fits with {' or '.join(found)}."
    words, other = everything(choice)
    need = estimate(config, other.dtype, other.load, other.quantize, model, looker)
    if fits(need, room):
        return f"It fits with {words} together ({gigabytes(need.total)})."
    return (
        f"Even with {words} it needs {gigabytes(need.total)}: take a smaller model, or"
        " --device-map auto, which reads from the disk what finds no room, slowly."
    )


def changes(choice: Choice) -> Iterator[tuple[str, Choice]]:
    """One thing changed at a time, the least painful first."""
    load = choice.load
    frames = load.frames // 2
    while frames >= FEW_FRAMES:
        fewer = replace(load, frames=frames, tiles=min(load.tiles, frames))
        yield f"--frames {frames} --tiles {fewer.tiles}", replace(choice, load=fewer)
        frames //= 4
    context = load.context // 2
    while context >= SHORT_CONTEXT:
        yield f"--context {context}", replace(choice, load=replace(load, context=context))
        context //= 4
    if choice.dtype == torch.float32:
        slow = " (slow on this processor)" if _slow_in_bfloat16(choice) else ""
        yield f"--dtype bfloat16{slow}", replace(choice, dtype=torch.bfloat16)
    if choice.quantize is None:
        yield "--quantize 8bit", replace(choice, quantize="8bit")
    if choice.quantize != "4bit":
        yield "--quantize 4bit", replace(choice, quantize="4bit")


def everything(choice: Choice) -> tuple[str, Choice]:
    """All of it at once."""
    frames, tiles = min(choice.load.frames, FEW_FRAMES), min(choice.load.tiles, FEW_FRAMES)
    context = min(choice.load.context, 2 * SHORT_CONTEXT)
    load = replace(choice.load, frames=frames, tiles=tiles, context=context)
    words = f"--quantize 4bit --frames {frames} --tiles {tiles} --context {context}"
    dtype = torch.bfloat16 if choice.dtype == torch.float32 else choice.dtype
    if dtype != choice.dtype:
        words += " --dtype bfloat16"
    return words, replace(choice, dtype=dtype, quantize="4bit", load=load)


def _slow_in_bfloat16(choice: Choice) -> bool:
    return choice.device.type == "cpu" and not cpu_multiplies_bfloat16()


def _format(choice: Choice) -> str:
    name = str(choice.dtype).removeprefix("torch.")
    return f"{choice.quantize} and {name}" if choice.quantize else name
