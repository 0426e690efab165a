"""Parameters and optimizer states as whole tensors, however many processes hold their pieces.

A parameter is an ordinary one, a piece of FSDP2 (a DTensor), or in the pieces of DeepSpeed's
ZeRO-2 (training/checkpoints/deepspeed_zero2.py). In a
file it is always whole, so a checkpoint of eight processes is read by one, and is safetensors and
JSON alone. Reading pieces together is collective: every process calls these functions in the same
order, and the one that writes passes a folder.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from training.checkpoints import deepspeed_zero2
from vlm.weights.io.files import read_safetensors, write_safetensors

STEM = "model"
FILE_BYTES = 4 << 30  # larger sets of tensors are written in several files


def full_parameter(parameter: Tensor) -> Tensor:
    """All of a parameter, on the CPU."""
    return _whole(
        deepspeed_zero2.full_parameter(parameter)
        if deepspeed_zero2.is_zero(parameter)
        else parameter
    )


def fill_parameter(parameter: nn.Parameter, value: Tensor) -> None:
    """The inverse: this process keeps its piece of the whole."""
    if deepspeed_zero2.is_zero(parameter):
        deepspeed_zero2.fill_parameter(parameter, value)
        return
    with torch.no_grad():
        parameter.copy_(_piece(value.to(parameter.dtype), parameter))


def named_states(optimizer: Any, named: Mapping[str, nn.Parameter]) -> Iterator[tuple[str, Tensor]]:
    """`parameter:state` and the whole tensor, for the trained parameters by name."""
    if any(deepspeed_zero2.is_zero(parameter) for parameter in named.values()):
        states = deepspeed_zero2.named_states(optimizer, named)
        yield from ((name, _whole(value)) for name, value in states)
        return
    for name, parameter in named.items():
        for key, value in inner(optimizer).state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                yield f"{name}:{key}", _whole(value)


def fill_states(
    optimizer: Any,
    named: Mapping[str, nn.Parameter],
    found: Mapping[str, Tensor],
) -> None:
    """The inverse of `named_states`, into an optimizer that has not stepped.

    Raises ValueError for a state of an unknown parameter.
    """
    unknown = sorted(name for name in found if name.rpartition(":")[0] not in named)
    if unknown:
        raise ValueError(f"optimizer states of unknown parameters: {unknown[:5]}")
    if any(deepspeed_zero2.is_zero(parameter) for parameter in named.values()):
        deepspeed_zero2.fill_states(optimizer, named, found)
        return
    for full_name, value in found.items():
        name, _, key = full_name.rpartition(":")
        # A number such as the step stays on the CPU, where torch keeps it.
        piece = value if value.ndim == 0 else _piece(value, named[name])
        inner(optimizer).state[named[name]][key] = piece


def write_tensors(
    tensors: Iterable[tuple[str, Tensor]],
    folder: Path | None,
    stem: str = STEM,
    limit: int = FILE_BYTES,
) -> None:
    """stem.safetensors, and stem-2 and so on where there is more than `limit` bytes; no folder:
    only takes part in reading the pieces together."""
    batch: dict[str, Tensor] = {}
    size, number = 0, 1

    def write() -> None:
        name = f"{stem}.safetensors" if number == 1 else f"{stem}-{number}.safetensors"
        assert folder is not None
        write_safetensors(batch, folder / name)

    for name, tensor in tensors:
        if folder is None:
            continue
        if batch and size + tensor.nbytes > limit:
            write()
            batch, size, number = {}, 0, number + 1
        batch[name] = tensor
        size += tensor.nbytes
    if folder is not None:
        write()


def read_tensors(folder: Path, stem: str = STEM) -> dict[str, Tensor]:
    """Everything that `write_tensors` wrote."""
    first = folder / f"{stem}.safetensors"
    if not first.is_file():
        raise ValueError(f"{folder} holds no trained weights ({first.name} is missing)")
    found: dict[str, Tensor] = {}
    for path in (first, *sorted(folder.glob(f"{stem}-*.safetensors"))):
        found |= read_safetensors(path)
    return found


def inner(optimizer: Any) -> torch.optim.Optimizer:
    """The torch optimizer inside what accelerate made of it."""
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def _whole(tensor: Tensor) -> Tensor:
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.detach().cpu().contiguous()


def _piece(value: Tensor, like: Tensor) -> Tensor:
    value = value.to(like.device)
    if not isinstance(like, DTensor):
        return value
    # Every process has the whole, so none has to be sent its piece.
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)
