"""The non-local block (arXiv 1711.07971): attention over all positions of space and time.

    z_i = BN(W_z y_i) + x_i,   y_i = 1 / C(x) * sum_j f(x_i, x_j) g(x_j)          equations 6 and 1

    gaussian    f = exp(x_i . x_j)                       C = sum_j f              equation 2
    embedded    f = exp(theta(x_i) . phi(x_j))           C = sum_j f              equation 3
    dot         f = theta(x_i) . phi(x_j)                C = number of positions  equation 4
    concat      f = ReLU(w . [theta(x_i), phi(x_j)])     C = number of positions  equation 5

theta, phi and g halve the channels. BN's gamma starts at zero: a new block is the identity.

Paper and released code (PySlowFast) differ twice. The code divides the embedded Gaussian's
exponent by the root of its width (`scaled`) and pools the positions j before phi and g; the paper
does not scale and pools after them (`pool_first` False).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.unknown_name import check_name

FUNCTIONS = ("gaussian", "embedded", "dot", "concat")


class NonLocal(nn.Module):
    """[B, C, T, H, W] -> the same, every position with a view of all others."""

    def __init__(
        self,
        dim: int,
        inner_dim: int,
        function: str = "embedded",
        *,
        scaled: bool = True,
        pool_first: bool = True,
    ) -> None:
        super().__init__()
        check_name("pairwise function", function, FUNCTIONS)
        self.function, self.pool_first = function, pool_first
        self.scale = inner_dim**-0.5 if scaled and function == "embedded" else 1.0
        embeds = function != "gaussian"
        self.theta = nn.Conv3d(dim, inner_dim, 1) if embeds else nn.Identity()
        self.phi = nn.Conv3d(dim, inner_dim, 1) if embeds else nn.Identity()
        self.g = nn.Conv3d(dim, inner_dim, 1)
        if function == "concat":
            self.w = nn.Linear(2 * inner_dim, 1, bias=False)
        self.pool = nn.MaxPool3d((1, 2, 2), ceil_mode=True)
        self.out = nn.Conv3d(inner_dim, dim, 1)
        self.norm = nn.BatchNorm3d(dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the projections from N(0, 0.01) and makes the block the identity."""
        for module in self.modules():
            if isinstance(module, (nn.Conv3d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """z = BN(W_z y) + x (equation 6)."""
        theta = _positions(self.theta(x))  # [B, P, C']
        if self.pool_first:
            few = self.pool(x)
            phi, g = _positions(self.phi(few)), _positions(self.g(few))  # [B, Q, C']
        else:
            phi, g = _positions(self.pool(self.phi(x))), _positions(self.pool(self.g(x)))
        y = self.response(theta, phi, g).transpose(1, 2)
        y = y.reshape(len(x), -1, *x.shape[2:])  # [B, C/2, T, H, W]
        return x + self.norm(self.out(y))

    def response(self, theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
        """y (equation 1): theta [B, P, C'], phi [B, Q, C'], g [B, Q, C/2] -> [B, P, C/2]."""
        Q = phi.shape[1]
        if self.function == "dot":
            # (theta phi^T) g = theta (phi^T g): the P x Q matrix is not needed.
            return theta @ (phi.transpose(1, 2) @ g) / Q
        if self.function == "concat":
            w_theta, w_phi = self.w.weight.chunk(2, dim=1)
            f = F.relu(F.linear(theta, w_theta) + F.linear(phi, w_phi).transpose(1, 2))
            return f @ g / Q
        return F.scaled_dot_product_attention(
            theta[:, None], phi[:, None], g[:, None], scale=self.scale
        )[:, 0]


def _positions(x: Tensor) -> Tensor:
    """[B, C, T, H, W] -> [B, T*H*W, C]."""
    return x.flatten(2).transpose(1, 2)


def identity_at_start(network: nn.Module) -> None:
    """Sets gamma of all non-local blocks of a network to zero, after another initialization."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, NonLocal):
                module.reset_parameters()
