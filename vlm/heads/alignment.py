"""How near a video feature is to a text feature, as a logit.

    sigmoid    cos(v, c) exp(s) + b      s and b are learned, a pair for each head (SigLIP)
    nce        cos(v, c) / 0.07          (Efficient-Prompt)

SigLIP's own start: s = log 10, b = -10; StreamFormer's heads start from SigLIP's trained pair.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

Loss = Literal["sigmoid", "nce"]
TEMPERATURE = 0.07
START_SCALE, START_BIAS = math.log(10), -10.0


class Alignment(nn.Module):
    """Unit features [..., P] and [K, P] -> logits [..., K]."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        if loss == "sigmoid":
            self.scale = nn.Parameter(torch.tensor(START_SCALE))
            self.bias = nn.Parameter(torch.tensor(START_BIAS))

    def forward(self, video: Tensor, text: Tensor) -> Tensor:
        return self.scaled(video @ text.T)

    def scaled(self, cosines: Tensor) -> Tensor:
        """Cosines of any shape -> logits."""
        if self.loss == "nce":
            return cosines / TEMPERATURE
        return cosines * self.scale.exp() + self.bias

    def probabilities(self, logits: Tensor) -> Tensor:
        """0 to 1 for each text by itself (sigmoid), or shares of all K that add up to 1 (nce)."""
        return logits.sigmoid() if self.loss == "sigmoid" else logits.softmax(dim=-1)
