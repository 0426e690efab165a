"""A frozen linear layer with a trained low-rank difference (LoRA, arXiv 2106.09685).

y = W x + b + scale * B A x,    A [rank, in] ~ N(0, std), B [out, rank] = 0
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LoRALinear(nn.Linear):
    """Equals the linear layer it replaces as long as B is zero; its weight and bias are frozen."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int,
        *,
        bias: bool = True,
        scale: float = 1.0,
        std: float = 0.02,
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.scale = scale
        self.lora_a = nn.Parameter(std * torch.randn(rank, in_features))
        self.lora_b = nn.Parameter(torch.zeros(out_features, rank))
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)

    def forward(self, input: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        low = F.linear(F.linear(input, self.lora_a), self.lora_b)
        return super().forward(input) + self.scale * low

    def merged(self) -> nn.Linear:
        """Returns a plain linear layer with W + scale * B A."""
        plain = nn.Linear(self.in_features, self.out_features, self.bias is not None)
        plain = plain.to(self.weight.device, self.weight.dtype)
        with torch.no_grad():
            plain.weight.copy_(self.weight + self.scale * self.lora_b @ self.lora_a)
            if self.bias is not None:
                plain.bias.copy_(self.bias)
        return plain
