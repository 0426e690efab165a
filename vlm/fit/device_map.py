"""`--device-map auto`: the language model spread over the GPUs, the memory and the disk.

Tower and compressor stay whole on the first device: they are called part by part (frames come one
after another), which the hooks that move tensors between devices do not see. Layers of the language
model go, in their order, wherever there is room.
"""

from collections.abc import Mapping
from importlib.util import find_spec

import torch

from vlm.fit.estimate import Need, weight_bytes
from vlm.fit.hardware import DeviceMemory, gigabytes, memory_of
from vlm.model import PVCForConditionalGeneration

Place = int | str  # the number of a GPU, "cpu", "disk"
LOOKING = ("tower", "compressor", "concepts")
SHARE = 0.9  # of what is free: allocators need some for themselves


def free_memory() -> dict[Place, int]:
    """Bytes that are free on each GPU and in the machine's memory."""
    free: dict[Place, int] = {
        index: memory_of(torch.device("cuda", index)).free
        for index in range(torch.cuda.device_count())
    }
    return {**free, "cpu": memory_of(torch.device("cpu")).free}


def pooled(free: Mapping[Place, int]) -> DeviceMemory:
    """All places as one."""
    total = sum(free.values())
    return DeviceMemory("on all devices together", total, total)


def device_map(
    model: PVCForConditionalGeneration,
    dtype: torch.dtype,
    need: Need,
    free: Mapping[Place, int],
    quantize: str | None = None,
) -> dict[str, Place]:
    """Where each part of a meta model goes; `free` is in order of preference, the disk the last.

    What a question takes besides weights is kept clear on the first device, where the pictures are
    looked at. Every device keeps clear the keys and values of a full conversation, since nobody
    knows yet how many layers it gets. Raises ValueError where the first device cannot even look.
    """
    if find_spec("accelerate") is None:
        raise ValueError("--device-map needs accelerate; install with: pip install accelerate")
    from accelerate import infer_auto_device_map

    first = next(iter(free))
    parts = {name: getattr(model, name) for name in LOOKING if getattr(model, name) is not None}
    taken = sum(weight_bytes(part, dtype) for part in parts.values())
    taken += max(need.looking, need.reading)
    if taken > SHARE * free[first]:
        raise ValueError(
            f"the tower and what looking takes need {gigabytes(taken)} on the first device, where"
            f" {gigabytes(free[first])} are free; ask for fewer frames or leave --device-map out."
        )
    room = {place: SHARE * size - need.cache for place, size in free.items()}
    room[first] -= taken
    # accelerate counts the layers in full width; where they are narrower, more of them fit.
    text = model.language_model
    wider = weight_bytes(text, dtype) / weight_bytes(text, dtype, quantize)
    spread = infer_auto_device_map(
        text,
        {place: max(0, int(size * wider)) for place, size in room.items()},
        no_split_module_classes=list(text._no_split_modules or ()),
        dtype=dtype,
    )
    language = {f"language_model.{name}".rstrip("."): place for name, place in spread.items()}
    return {**dict.fromkeys(parts, first), **language}
