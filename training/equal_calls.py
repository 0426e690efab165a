"""Batches of any mix, without a process that waits for ever.

Where processes share one model's weights (FSDP, ZeRO), a layer's weights are gathered from all of
them at the moment it is called. If one has a batch of text and calls no tower, the others wait. So
every process runs the tower in every batch, and the progressive layers and the compressor, which
run once for each shape of clip, equally often: what a process has not to see it computes of a blank
frame, and multiplies by nothing.
"""

from typing import Any

import torch


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
