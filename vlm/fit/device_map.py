"""`--device-map auto`: the language model spread over GPUs, main memory and disk.

Tower and compressor stay whole on the first device: they are called part by part (frames come one
after another), which the hooks that move tensors between devices do not see. The layers of the
language model fill the devices in order.
"""

from collections.abc import Mapping
from importlib.util import find_spec

import torch

from vlm.fit.estimate import Need, weight_bytes
from vlm.fit.hardware import DeviceMemory, gigabytes, memory_of
from vlm.model import PVCForConditionalGeneration
from vlm.projector import STAGES

Place = int | str  # the number of a GPU, "cpu", "disk"
VISION_PARTS = ("tower", "compressor", *STAGES)
USABLE = 0.9  # share of free memory: allocators need the rest


def free_memory() -> dict[Place, int]:
    """Returns the free bytes of each GPU and of main memory."""
    free: dict[Place, int] = {
        index: memory_of(torch.device("cuda", index)).free
        for index in range(torch.cuda.device_count())
    }
    return {**free, "cpu": memory_of(torch.device("cpu")).free}


def pooled(free: Mapping[Place, int]) -> DeviceMemory:
    """Treats all devices as one."""
    total = sum(free.values())
    return DeviceMemory("on all devices together", total, total)


def device_map(
    model: PVCForConditionalGeneration,
    dtype: torch.dtype,
    need: Need,
    free: Mapping[Place, int],
    quantize: str | None = None,
) -> dict[str, Place]:
    """Assigns each part of a meta model to a device; `free` is in order of preference, disk last.

    The first device, where media are encoded, reserves what a question takes besides weights. Every
    device reserves the keys and values of a full conversation, since its number of layers is not
    known yet. Raises ValueError if the first device has no room for encoding.
    """
    if find_spec("accelerate") is None:
        raise ValueError("--device-map needs accelerate; install with: pip install accelerate")
    from accelerate import infer_auto_device_map

    first = next(iter(free))
    parts = {name: part for name, part in model.named_children() if name in VISION_PARTS}
    taken = sum(weight_bytes(part, dtype) for part in parts.values())
    taken += max(need.encoding, need.prefill)
    if taken > USABLE * free[first]:
        raise ValueError(
            f"the tower and encoding need {gigabytes(taken)} on the first device, where"
            f" {gigabytes(free[first])} are free; ask for fewer frames or leave --device-map out."
        )
    room = {place: USABLE * size - need.cache for place, size in free.items()}
    room[first] -= taken
    # accelerate counts unquantized layers; of quantized ones, more fit.
    text = model.language_model
    scale = weight_bytes(text, dtype) / weight_bytes(text, dtype, quantize)
    spread = infer_auto_device_map(
        text,
        {place: max(0, int(size * scale)) for place, size in room.items()},
        no_split_module_classes=list(text._no_split_modules or ()),
        dtype=dtype,
    )
    language = {f"language_model.{name}".rstrip("."): place for name, place in spread.items()}
    return {**dict.fromkeys(parts, first), **language}
