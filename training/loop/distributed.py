"""Processes that train together, numbered as torchrun and accelerate launch them.

Batches of mixed media must not make a process wait forever. Processes that shard one model's
weights (FSDP, ZeRO) gather a layer's weights from all of them when the layer is called: if one has
a batch of text and calls no tower, the others wait. So every process runs the tower in every batch,
and the progressive layers and the compressor, which run once per shape of clip, equally often. A
process with fewer shapes computes blank frames and multiplies them by zero.

accelerate offers FSDP2 on accelerators only, although PyTorch shards over gloo as over any other
backend. `shard_on_cpus` enables it for CPU processes, so that the test on two of them
(tests/e2e/test_training_processes.py) takes the same path as a run on many GPUs.
"""

import itertools
import os
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from vlm.model import PVCForConditionalGeneration

# The arguments of the model's `encode`.
VISION_INPUTS = ("pixel_values", "clip_frames", "clip_looks", "timesteps", "extra")


def num_processes() -> int:
    """Returns the number of processes that train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def print_rank0(line: str) -> None:
    """Prints a line on the first process only."""
    if os.environ.get("RANK", "0") == "0":
        print(line, flush=True)


def with_visual_tokens(
    accelerator: Accelerator, model: Any, inputs: dict[str, Any], num_shapes: int
) -> dict[str, Any]:
    """Replaces a batch's pixels with its visual tokens.

    Every process calls the tower equally often, even with a batch of text alone: `num_shapes` is
    the result of `max_shapes`.
    """
    text = {name: value for name, value in inputs.items() if name not in VISION_INPUTS}
    vision = {name: value for name, value in inputs.items() if name in VISION_INPUTS}
    looks = vision.get("clip_looks")
    inner: PVCForConditionalGeneration = accelerator.unwrap_model(model)
    num_tokens = 0 if looks is None else int(looks.sum()) * inner.config.tokens_per_look
    calls, size = max(1, num_shapes), inner.config.image_size
    vision = build_dummy_vision_inputs(vision, calls, size, accelerator.device)
    with accelerator.autocast():
        visual = add_zero_vision_dependency(inner.encode(**vision), num_tokens)
    return {**text, "visual_tokens": visual}


def max_shapes(vision: dict[str, Any], device: torch.device) -> int:
    """Shapes (frames, looks) of clips in the batch of the process that has the most.

    The progressive layers run once for each. 0: no process has media.
    """
    shapes = torch.tensor(len(clip_shapes(vision)), device=device)
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(shapes, op=torch.distributed.ReduceOp.MAX)
    return int(shapes)


def clip_shapes(vision: dict[str, Any]) -> set[tuple[int, int]]:
    """Returns the distinct (frames, looks) among a batch's clips."""
    if vision.get("clip_frames") is None:
        return set()
    frames, looks = vision["clip_frames"].tolist(), vision["clip_looks"].tolist()
    return set(zip(frames, looks, strict=True))


def build_dummy_vision_inputs(
    vision: dict[str, Any], num_calls: int, image_size: int, device: torch.device
) -> dict[str, Any]:
    """Appends blank images, each of a new shape, until the inputs have `num_calls` shapes.

    A blank image is a frame of zeros with a number of looks that no other image of the batch has.
    """
    shapes = clip_shapes(vision)
    unused = (looks for looks in itertools.count(1) if (1, looks) not in shapes)
    looks = list(itertools.islice(unused, num_calls - len(shapes)))
    blank = {
        "pixel_values": torch.zeros(len(looks), 3, image_size, image_size, device=device),
        "clip_frames": torch.ones(len(looks), dtype=torch.long, device=device),
        "clip_looks": torch.tensor(looks, dtype=torch.long, device=device),
        "timesteps": torch.zeros(sum(looks), device=device),
    }
    if not shapes:
        return blank
    return {**vision, **{name: torch.cat([vision[name], blank[name]]) for name in blank}}


def add_zero_vision_dependency(visual: Tensor, num_tokens: int) -> Tensor:
    """The first `num_tokens` of visual tokens [V, D], plus zero times the tokens of blank images.

    So every weight of tower and compressor gets a gradient, zero in a batch without media.
    """
    real, blank = visual[:num_tokens], visual[num_tokens:]
    return real + 0 * blank.sum() if len(blank) else real


def reshard(model: nn.Module) -> None:
    """Frees weights that FSDP gathered for a forward pass without a backward pass.

    FSDP keeps those of the outermost module for the backward pass. Until then its parameters are
    other objects, whose optimizer states a checkpoint would miss.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def shard_on_cpus(accelerator: Any) -> bool:
    """Enables FSDP2 on CPU processes if accelerate's config requests it; returns whether it did."""
    requested = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if not requested or accelerator.state.distributed_type != DistributedType.MULTI_CPU:
        return False
    plugin = FullyShardedDataParallelPlugin()
    if plugin.fsdp_version != 2:
        raise ValueError("on CPUs only FSDP2 is supported: set fsdp_version to 2")
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = plugin
    return True


def refuse_zero_3(accelerator: Any) -> None:
    """ZeRO-3 gathers a module's weights when the module is called, and not all of ours are."""
    plugin = getattr(accelerator.state, "deepspeed_plugin", None)
    if plugin is not None and plugin.zero_stage > 2:
        raise ValueError(
            "DeepSpeed's ZeRO-3 does not fit this model; to shard weights use "
            "training/accelerate/fsdp2.yaml, or set zero_stage to 2"
        )
