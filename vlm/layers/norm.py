"""Adaptive layer normalization: scale and shift follow from a condition (PVC, section 3).

    AdaLN(x, z) = gamma(z) * LN(x) + beta(z)
    gamma(z) = W4 SiLU(W3 z),  beta(z) = W6 SiLU(W5 z)

In PVC the condition is z = x + TE, so scale and shift differ for each token, not just each frame.
The weights are published only inside the checkpoint; the sizes of its files imply that all four
matrices are square and biased and that the norm has no affine of its own.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class AdaLNConfig:
    """What the paper leaves open about AdaLN."""

    hidden_dim: int | None = None  # of gamma's and beta's inner layer; None: square, as in PVC
    one_plus: bool = False  # the scale is 1 + gamma(z), the other form in use
    affine: bool = False  # the norm has a scale and shift of its own
    norm: bool = True  # False: x itself is scaled and shifted
    eps: float = 1e-6


class AdaLN(nn.Module):
    """Starts as a plain LayerNorm: last weights zero, gamma's bias one, beta's zero.

    Without a norm it starts as the identity.
    """

    def __init__(self, dim: int, config: AdaLNConfig = AdaLNConfig()) -> None:
        super().__init__()
        hidden_dim = config.hidden_dim or dim
        self.one_plus = config.one_plus
        self.norm = (
            nn.LayerNorm(dim, eps=config.eps, elementwise_affine=config.affine)
            if config.norm
            else None
        )
        self.gamma = nn.Sequential(
            nn.Linear(dim, hidden_dim), nn.SiLU(), nn.Linear(hidden_dim, dim)
        )
        self.beta = nn.Sequential(nn.Linear(dim, hidden_dim), nn.SiLU(), nn.Linear(hidden_dim, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Makes it a plain LayerNorm, or the identity, again."""
        for branch, start in ((self.gamma, 0.0 if self.one_plus else 1.0), (self.beta, 0.0)):
            last = branch[2]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, start)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """x, z [..., dim] -> [..., dim]. The norm itself is computed in fp32."""
        norm = x if self.norm is None else _in_float32(self.norm, x)
        gamma = self.gamma(z)
        if self.one_plus:
            gamma = 1 + gamma
        return gamma * norm + self.beta(z)


def _in_float32(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(
        x.float(),
        norm.normalized_shape,
        None if norm.weight is None else norm.weight.float(),
        None if norm.bias is None else norm.bias.float(),
        norm.eps,
    ).to(x.dtype)
