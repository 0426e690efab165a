"""Bottleneck adapters, and the freezing of everything around them.

An adapter is a narrow detour, trained while the layer it is added to stays as it was. It starts at
zero: with fresh adapters a network computes what it computed without them.
"""

import math

from torch import Tensor, nn

from vlm.layers.mlp import ACTIVATIONS


class Adapter(nn.Module):
    """scale * Up(act(Down(x))), plus x itself with `skip`. `up` starts at zero."""

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        *,
        activation: str = "gelu",
        scale: float = 1.0,
        dropout: float = 0.0,
        skip: bool = False,
        norm: bool = False,
    ) -> None:
        """`norm`: a LayerNorm in front, as in AdaptFormer's paper."""
        super().__init__()
        self.scale, self.skip = scale, skip
        self.norm = nn.LayerNorm(dim) if norm else nn.Identity()
        self.down = nn.Linear(dim, hidden_dim)
        self.act = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.up = nn.Linear(hidden_dim, dim)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        for start in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(start)

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] -> the same."""
        out = self.up(self.dropout(self.act(self.down(self.norm(x)))))
        return (x if self.skip else 0) + self.scale * out


def train_only(module: nn.Module, *parts: nn.Module | nn.Parameter) -> None:
    """Freezes a module but for some parts of it."""
    module.requires_grad_(False)
    for part in parts:
        part.requires_grad_(True)
