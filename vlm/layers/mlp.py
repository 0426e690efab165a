"""The two-layer perceptron of a transformer block."""

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear, GELU, Linear, with InternViT's names (`fc1`, `fc2`)."""

    def __init__(self, dim: int, hidden_dim: int, out_dim: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, out_dim or dim)

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] -> [..., out_dim]."""
        return self.fc2(self.act(self.fc1(x)))
