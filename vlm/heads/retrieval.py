"""Video-text retrieval: every clip against every sentence."""

import torch
from torch import Tensor, nn

from vlm.heads.alignment import Alignment, Loss


class RetrievalHead(nn.Module):
    """[B, P] and [N, P] -> logits [B, N]."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.align = Alignment(loss)

    def forward(self, pooled: Tensor, sentences: Tensor) -> Tensor:
        """Unit features of clips and of sentences."""
        return self.align(pooled, sentences)


@torch.no_grad()
def ranks(similarities: Tensor) -> Tensor:
    """Returns the rank of the right one in each row of [N, N], from 1; ties count against it."""
    right = similarities.diagonal()[:, None]
    return (similarities >= right).sum(dim=1)
