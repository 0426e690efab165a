"""Stochastic depth (arXiv 1603.09382): a residual branch is left out for some samples."""

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """In training, zeroes a sample's branch with probability `rate` and scales the others up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """[B, ...] -> the same."""
        if not self.training or not self.rate:
            return x
        keep = 1 - self.rate
        mask = torch.empty(len(x), *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device)
        return x * mask.bernoulli_(keep) / keep


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Rates of `depth` blocks, from 0 for the first up to `last`, evenly."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]
