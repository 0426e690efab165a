"""The two-layer perceptron of a transformer block."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), as in OpenAI's CLIP models."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


# By their names in transformers' configs.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_pytorch_tanh": partial(nn.GELU, approximate="tanh"),
    "quick_gelu": QuickGELU,
    "relu": nn.ReLU,
    "identity": nn.Identity,
}


class MLP(nn.Module):
    """Linear, activation, Linear; `fc1` and `fc2` as in InternViT."""

    def __init__(
        self, dim: int, hidden_dim: int, out_dim: int | None = None, activation: str = "gelu"
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = ACTIVATIONS[activation]()
        self.fc2 = nn.Linear(hidden_dim, out_dim or dim)

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] -> [..., out_dim]."""
        return self.fc2(self.act(self.fc1(x)))
