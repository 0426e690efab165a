"""What an encoder costs: multiply-adds of one clip, counted on the meta device.

Matrix products, convolutions and attention are counted; norms, activations and additions are not,
as in the figures of the field's papers ("GFLOPs" there are multiply-adds).
"""

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vlm.encoders.base import VideoEncoder


def multiply_adds(tower: VideoEncoder, num_frames: int, height: int, width: int) -> int:
    """Multiply-adds of one clip of this size; `tower` is on the meta device."""
    return products(
        tower, torch.empty(1, num_frames, tower.in_channels, height, width, device="meta")
    )


def products(net: nn.Module, clip: Tensor) -> int:
    """Multiply-adds of any network on the meta device."""
    # The written-out attention, whose products the counter sees on every version of torch. With
    # gradients, because the counter looks for the graph of parameters that are arguments.
    with (
        torch.enable_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        net(clip)
    return counter.get_total_flops() // 2
