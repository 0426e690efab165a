"""Checks before loading whether a model fits, and proposes changes if it does not.

`vlm.fit.estimate` computes what is needed, `vlm.fit.hardware` what is free.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec

import torch

from vlm.config import PVCConfig
from vlm.fit.estimate import (
    Load,
    Need,
    cache_bytes,
    estimate,
    meta_model,
    shallow_model,
    weight_bytes,
)
from vlm.fit.hardware import GB, DeviceMemory, cpu_multiplies_bfloat16, gigabytes
from vlm.fit.quantize import DEVICES, missing_packages
from vlm.model import PVCForConditionalGeneration

# Allocators take more than the tensors themselves: 7 % as measured on a CPU.
MARGIN = 1.1
EASY = 0.25  # share of free memory below which the details do not matter
FEW_FRAMES, SHORT_CONTEXT = 4, 1024


@dataclass(frozen=True)
class MediaOptions:
    """The options that set frames and tiles of the command at hand; empty if its page does."""

    frames: str = "--frames"
    tiles: str = "--tiles"

    def words(self, load: Load) -> str:
        if not self.frames:
            return f"{load.frames} frames and {load.tiles} tiles in the page's settings"
        return f"{self.frames} {load.frames} {self.tiles} {load.tiles}"


@dataclass(frozen=True)
class LoadOptions:
    """The format, device and load that a model is checked for."""

    dtype: torch.dtype
    quantize: str | None
    load: Load
    device: torch.device
    media: MediaOptions = MediaOptions()


@dataclass(frozen=True)
class FitReport:
    """The sentence for the user, and whether the weights alone and the whole load fit."""

    sentence: str
    weights_fit: bool
    fits: bool


def check_fit(config: PVCConfig, options: LoadOptions, room: DeviceMemory) -> FitReport:
    """Compares what this model needs with what is free; adds advice if it is too much."""
    model = meta_model(config)
    weights = weight_bytes(model, options.dtype, options.quantize)
    size = f"{model.num_parameters() / GB:.2f} billion parameters"
    if model.num_parameters() < 0.1 * GB:
        size = f"{model.num_parameters() / 1e6:.0f} million parameters"
    size += f" in {_format(options)}"
    available = f"{gigabytes(room.free)} are free {room.name}"
    if weights * MARGIN > room.free:
        sentence = f"{size} take {gigabytes(weights)} alone, but {available}. "
        return FitReport(sentence + advice(config, options, room, model), False, False)
    cache = cache_bytes(config.get_text_config(), options.load.context, options.dtype)
    if weights + cache < EASY * room.free:  # and encoding takes less than either
        return FitReport(f"{size}, {gigabytes(weights)}; {available}.", True, True)
    need = estimate(config, options.dtype, options.load, options.quantize, model)
    parts = describe_need(need, options.load)
    if fits(need, room):
        return FitReport(f"{size}: {parts}; {available}.", True, True)
    sentence = f"{size}: {parts}, together {gigabytes(need.total)}, but {available}. "
    return FitReport(sentence + advice(config, options, room, model), True, False)


def fits(need: Need, room: DeviceMemory) -> bool:
    return need.total * MARGIN <= room.free


def describe_need(need: Need, load: Load) -> str:
    """Lists the parts of the need, for the user."""
    return (
        f"weights {gigabytes(need.weights)}, {load.context:,} tokens of conversation"
        f" {gigabytes(need.cache)}, encoding {load.frames} frames or {load.tiles} tiles"
        f" {gigabytes(max(need.encoding, need.prefill))}"
    )


def advice(
    config: PVCConfig, options: LoadOptions, room: DeviceMemory, model: PVCForConditionalGeneration
) -> str:
    """Proposes changes that make it fit: each alone, or else all at once."""
    shallow, found = shallow_model(config), []
    for words, other in reductions(options):
        need = estimate(config, other.dtype, other.load, other.quantize, model, shallow)
        if fits(need, room):
            found.append(f"{words} ({gigabytes(need.total)})")
    if found:
        return f"It fits with {' or '.join(found)}."
    words, other = all_reductions(options)
    need = estimate(config, other.dtype, other.load, other.quantize, model, shallow)
    if fits(need, room):
        return f"It fits with {words} together ({gigabytes(need.total)})."
    spread = _after_install("--device-map auto", [] if find_spec("accelerate") else ["accelerate"])
    return (
        f"Even with {words} it needs {gigabytes(need.total)}: take a smaller model, or"
        f" {spread}, which reads from disk, slowly, what does not fit."
    )


def reductions(options: LoadOptions) -> Iterator[tuple[str, LoadOptions]]:
    """Yields one change at a time, the least costly first."""
    load = options.load
    frames = load.frames // 2
    while frames >= FEW_FRAMES:
        fewer = replace(load, frames=frames, tiles=min(load.tiles, frames))
        yield options.media.words(fewer), replace(options, load=fewer)
        frames //= 4
    context = load.context // 2
    while context >= SHORT_CONTEXT:
        yield f"--context {context}", replace(options, load=replace(load, context=context))
        context //= 4
    if options.dtype == torch.float32:
        slow = " (slow on this processor)" if _slow_in_bfloat16(options) else ""
        yield f"--dtype bfloat16{slow}", replace(options, dtype=torch.bfloat16)
    if options.quantize is None and options.device.type in DEVICES:
        yield _quantize("8bit", options), replace(options, quantize="8bit")
    if options.quantize != "4bit" and options.device.type in DEVICES:
        yield _quantize("4bit", options), replace(options, quantize="4bit")


def all_reductions(options: LoadOptions) -> tuple[str, LoadOptions]:
    """Returns all changes at once."""
    frames, tiles = min(options.load.frames, FEW_FRAMES), min(options.load.tiles, FEW_FRAMES)
    context = min(options.load.context, 2 * SHORT_CONTEXT)
    load = replace(options.load, frames=frames, tiles=tiles, context=context)
    words, quantize = [f"--context {context}"], options.quantize
    if options.device.type in DEVICES:
        words, quantize = [_quantize("4bit", options), *words], "4bit"
    dtype = torch.bfloat16 if options.dtype == torch.float32 else options.dtype
    if dtype != options.dtype:
        words.append("--dtype bfloat16")
    if not options.media.frames:
        words.append("and")
    words.append(options.media.words(load))
    return " ".join(words), replace(options, dtype=dtype, quantize=quantize, load=load)


def _quantize(bits: str, options: LoadOptions) -> str:
    return _after_install(f"--quantize {bits}", missing_packages(bits, options.device))


def _after_install(words: str, missing: list[str]) -> str:
    """Adds the command that installs what an option needs."""
    return f"{words} (after: pip install {' '.join(missing)})" if missing else words


def _slow_in_bfloat16(options: LoadOptions) -> bool:
    return options.device.type == "cpu" and not cpu_multiplies_bfloat16()


def _format(options: LoadOptions) -> str:
    name = str(options.dtype).removeprefix("torch.")
    return f"{options.quantize} and {name}" if options.quantize else name
