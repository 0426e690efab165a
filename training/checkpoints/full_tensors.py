"""Parameters and optimizer states as full tensors, however many processes hold their shards.

A parameter is an ordinary one, a DTensor of FSDP2, or sharded by DeepSpeed's ZeRO-2
(training/checkpoints/deepspeed_zero2.py). Files hold full tensors, so one process can resume what
eight wrote, and a checkpoint is safetensors and JSON alone. Gathering is collective: every process
calls these functions in the same order, and the writing one passes a folder.

`torch.distributed.checkpoint.state_dict` gathers the same tensors, bit for bit, but the whole state
at once, 64 GB of moments for 8 billion parameters. Here they are gathered one by one.
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
MAX_FILE_BYTES = 4 << 30  # larger sets of tensors are split into several files


def full_parameter(parameter: Tensor) -> Tensor:
    """Returns the full parameter, on the CPU."""
    return _full(
        deepspeed_zero2.full_parameter(parameter)
        if deepspeed_zero2.is_sharded(parameter)
        else parameter
    )


def fill_parameter(parameter: Tensor, value: Tensor) -> None:
    """The inverse of `full_parameter`: this process keeps its shard."""
    if deepspeed_zero2.is_sharded(parameter):
        deepspeed_zero2.fill_parameter(parameter, value)
        return
    with torch.no_grad():
        parameter.copy_(_shard(value.to(parameter.dtype), parameter))


def named_states(optimizer: Any, named: Mapping[str, nn.Parameter]) -> Iterator[tuple[str, Tensor]]:
    """`parameter:state` and the full tensor, for the trained parameters by name."""
    if any(deepspeed_zero2.is_sharded(parameter) for parameter in named.values()):
        states = deepspeed_zero2.named_states(optimizer, named)
        yield from ((name, _full(value)) for name, value in states)
        return
    for name, parameter in named.items():
        for key, value in inner_optimizer(optimizer).state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                yield f"{name}:{key}", _full(value)


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
    if any(deepspeed_zero2.is_sharded(parameter) for parameter in named.values()):
        deepspeed_zero2.fill_states(optimizer, named, found)
        return
    for full_name, value in found.items():
        name, _, key = full_name.rpartition(":")
        # A scalar such as the step stays on the CPU, where torch keeps it.
        shard = value if value.ndim == 0 else _shard(value, named[name])
        inner_optimizer(optimizer).state[named[name]][key] = shard


def write_tensors(
    tensors: Iterable[tuple[str, Tensor]],
    folder: Path | None,
    stem: str = STEM,
    limit: int = MAX_FILE_BYTES,
) -> None:
    """Writes stem.safetensors, then stem-2 and so on for each further `limit` bytes.

    Without a folder, only takes part in gathering the shards."""
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
    """Reads everything that `write_tensors` wrote."""
    first = folder / f"{stem}.safetensors"
    if not first.is_file():
        raise ValueError(f"{folder} holds no trained weights ({first.name} is missing)")
    found: dict[str, Tensor] = {}
    for path in (first, *sorted(folder.glob(f"{stem}-*.safetensors"))):
        found |= read_safetensors(path)
    return found


def inner_optimizer(optimizer: Any) -> torch.optim.Optimizer:
    """Returns the torch optimizer inside the wrappers of accelerate."""
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def _full(tensor: Tensor) -> Tensor:
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.detach().cpu().contiguous()


def _shard(value: Tensor, like: Tensor) -> Tensor:
    value = value.to(like.device)
    if not isinstance(like, DTensor):
        return value
    # Every process has the full tensor, so no shard needs to be sent.
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)
