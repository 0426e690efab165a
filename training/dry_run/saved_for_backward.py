"""Counts what autograd saves for the backward pass, on the meta device."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from vlm.layers.checkpointing import Checkpointing


@contextmanager
def saved_bytes(model: nn.Module, rows: int | None = None) -> Iterator[list[float]]:
    """Counts the bytes that autograd saves for the backward pass into the list's only entry.

    Parameters do not count. Neither do attention weights of `rows` by `rows`: on the meta device
    attention is not fused and saves them, the fused kernels of GPUs do not. (`FusedAttention`
    leaves out those of any shape, of attention that is not written out.)
    """
    seen = {p.untyped_storage()._cdata for p in model.parameters()}
    total = [0.0]

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()._cdata
        square = tensor.ndim >= 3 and tensor.shape[-1] == tensor.shape[-2] == rows
        if storage not in seen and not square:
            seen.add(storage)
            total[0] += tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        yield total


class FusedAttention(TorchFunctionMode):
    """Attention that saves its inputs for the backward pass, as fused kernels do."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        for tensor in args[:3]:
            _save(tensor)
        with saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
            return func(*args, **(kwargs or {}))


def _save(tensor: Tensor) -> None:
    """Makes autograd save a tensor, so that the hooks outside see it."""
    if tensor.requires_grad:
        tensor * torch.ones((), device=tensor.device, requires_grad=True)


class BlockInputs:
    """Counts what stays if every block saves only its input and is computed again."""

    def __init__(self, tower: nn.Module) -> None:
        self.tower = tower
        self.inputs = 0.0  # bytes of the inputs of all blocks
        self.largest = 0.0  # bytes that one block saves while it is computed again

    def __call__(self, block: Callable[..., Any], *inputs: Any) -> Any:
        given = [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)]
        self.inputs += sum(tensor.nbytes for tensor in given)
        with saved_bytes(self.tower) as saved:
            out = block(*inputs)
        self.largest = max(self.largest, saved[0])
        return out


@contextmanager
def block_inputs(tower: nn.Module) -> Iterator[BlockInputs]:
    """Counts the blocks of a tower inside this context; a tower without checkpointing has none."""
    counter = BlockInputs(tower)
    modules = [module for module in tower.modules() if isinstance(module, Checkpointing)]
    for module in modules:
        module.gradient_checkpointing = True
        module._gradient_checkpointing_func = counter
    try:
        yield counter
    finally:
        for module in modules:
            module.gradient_checkpointing = False
