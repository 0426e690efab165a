"""Linear layers with weights that are laid out once for the processor's matrix instructions.

torch lays a weight out anew in every call (bfloat16, oneDNN), or multiplies it as it lies (float32,
MKL). For one token that costs as much as the product itself. Here each weight is replaced by its
layout, so memory stays the same; in bfloat16 the products are the same bit for bit.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.inference.decoding.generation import PREFILL_CHUNK

PROCESSORS = ("x86_64", "AMD64")


class PackedLinear(nn.Module):
    """A linear layer for inference on a CPU. Its weight [out, in] cannot be computed with."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), PREFILL_CHUNK)
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out]"""
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        # As a plain tensor, so that a saved model is whole.
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}weight"] = self.weight.detach().to_dense()


def product(linear: nn.Linear | PackedLinear) -> Callable[[Tensor], Tensor]:
    """Returns what a plain or a packed layer computes, without the hooks that a module looks for.

    Changes of its weight in place are seen, another weight in its place is not.
    """
    weight, bias = linear.weight, linear.bias
    if isinstance(linear, PackedLinear):
        multiply = torch.ops.mkldnn._linear_pointwise.default
        return lambda x: multiply(x, weight, bias, "none", [], "")
    return lambda x: F.linear(x, weight, bias)


def can_pack(dtype: torch.dtype) -> bool:
    """Returns whether oneDNN multiplies this number format here."""
    if platform.machine() not in PROCESSORS or not torch.backends.mkldnn.is_available():
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def pack(model: nn.Module) -> None:
    """Replaces the plain linear layers of a model on a CPU; others, such as quantized, stay.

    A weight that another layer shares, such as that of tied embeddings, stays as well.
    """
    owners: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            owners[id(parameter)] = owners.get(id(parameter), 0) + 1
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and owners[id(child.weight)] == 1 and _fits(child):
                setattr(parent, name, PackedLinear(child))


def _fits(linear: nn.Linear) -> bool:
    plain = linear.weight.device.type == "cpu" and not hasattr(linear, "_hf_hook")
    return plain and can_pack(linear.weight.dtype)
