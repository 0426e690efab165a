"""Activation checkpointing as transformers switches it on: for modules that have the flag."""

from collections.abc import Callable
from typing import Any

from torch import nn


class Checkpointing(nn.Module):
    """A module whose layers can forget their inner activations and compute them again.

    `gradient_checkpointing` and `_gradient_checkpointing_func` are set by transformers
    (`PreTrainedModel.gradient_checkpointing_enable`) on every module that has the first.
    """

    gradient_checkpointing = False
    _gradient_checkpointing_func: Callable[..., Any]

    def run(self, layer: Callable[..., Any], *inputs: Any) -> Any:
        """A layer's result; in training, where asked for, nothing inside it is kept."""
        if self.gradient_checkpointing and self.training:
            return self._gradient_checkpointing_func(layer, *inputs)
        return layer(*inputs)
