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


class AdaLN(nn.Module):
    """Starts as a plain LayerNorm: last weights zero, gamma's bias one, beta's zero."""

    def __init__(self, dim: int, config: AdaLNConfig = AdaLNConfig(), eps: float = 1e-6) -> None:
        super().__init__()
        hidden_dim = config.hidden_dim or dim
        self.one_plus = config.one_plus
        self.norm = nn.LayerNorm(dim, eps=eps, elementwise_affine=config.affine)
        self.gamma = nn.Sequential(
            nn.Linear(dim, hidden_dim), nn.SiLU(), nn.Linear(hidden_dim, dim)
        )
        self.beta = nn.Sequential(nn.Linear(dim, hidden_dim), nn.SiLU(), nn.Linear(hidden_dim, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Makes it a plain LayerNorm again."""
        for branch, start in ((self.gamma, 0.0 if self.one_plus else 1.0), (self.beta, 0.0)):
            last = branch[2]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, start)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """x, z [..., dim] -> [..., dim]. The norm itself is computed in fp32."""
        norm = F.layer_norm(
            x.float(),
            self.norm.normalized_shape,
            None if self.norm.weight is None else self.norm.weight.float(),
            None if self.norm.bias is None else self.norm.bias.float(),
            self.norm.eps,
        ).to(x.dtype)
        gamma = self.gamma(z)
        if self.one_plus:
            gamma = 1 + gamma
        return gamma * norm + self.beta(z)
