"""Processes that train together, as torchrun and accelerate launch number them.

Batches of any mix, without a process that waits for ever: where processes share one model's weights
(FSDP, ZeRO), a layer's weights are gathered from all of them at the moment it is called. If one has
a batch of text and calls no tower, the others wait. So every process runs the tower in every batch,
and the progressive layers and the compressor, which run once for each shape of clip, equally often:
what a process has not to see it computes of a blank frame, and multiplies by nothing.

FSDP2 on CPU processes, which accelerate offers on accelerators only: PyTorch shards over gloo as
over any other backend. With it, what is proved on two CPU processes
(tests/e2e/test_training_processes.py) takes the same path as a run on many GPUs.
"""

import os
from typing import Any

import torch
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin


def num_processes() -> int:
    """The number of processes that train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def print_rank0(line: str) -> None:
    """Prints a line on the first process only."""
    if os.environ.get("RANK", "0") == "0":
        print(line, flush=True)


def shapes_of_clips(inputs: dict[str, Any]) -> int:
    """How many shapes of clips (frames, looks) a batch has; the tower runs once for each."""
    if inputs.get("clip_frames") is None:
        return 0
    frames, looks = inputs["clip_frames"].tolist(), inputs["clip_looks"].tolist()
    return len(set(zip(frames, looks, strict=True)))


def equal_calls(inputs: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The batch, told how often the process with the most shapes of clips runs its tower."""
    shapes = torch.tensor(max(1, shapes_of_clips(inputs)), device=device)
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(shapes, op=torch.distributed.ReduceOp.MAX)
    return {**inputs, "clip_shapes": int(shapes)}


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
