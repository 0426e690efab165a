"""Activation checkpointing that transformers can switch on."""

from collections.abc import Callable
from typing import Any

from torch import nn


class Checkpointing(nn.Module):
    """A module whose layers can drop their inner activations and recompute them.

    `gradient_checkpointing` and `_gradient_checkpointing_func` are set by transformers
    (`PreTrainedModel.gradient_checkpointing_enable`) on every module that has the first.
    """

    gradient_checkpointing = False
    _gradient_checkpointing_func: Callable[..., Any]

    def run(self, layer: Callable[..., Any], *inputs: Any) -> Any:
        """Runs a layer; in training with the flag, its inner activations are not kept."""
        if self.gradient_checkpointing and self.training:
            return self._gradient_checkpointing_func(layer, *inputs)
        return layer(*inputs)
