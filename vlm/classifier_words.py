"""Words for what a frozen classifier already knows: class probabilities become word embeddings.

A classifier trained on a million photographs knows names that no small set of our own pictures
can teach. So that this knowledge survives the way into words, each token gets, on top of what the
compressor says,

    gate * softmax(logits) @ E,     E[k] = the mean embedding of the words of class k's name,

the logits of a square being the mean over its patches and those of the summary token the mean over
the picture (the classifier is linear, so this is its answer for the whole picture). Ours; PVC has
no such path, and only the embedded model uses it.

Where the classifier is sure of a frame, the compressor is silent: it learns from drawn scenes, and
of a photograph it would say what it took it for among those. In most made worlds the classifier
stays below CERTAIN, in most photographs of one thing above.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.compressor import pixel_shuffle

CERTAIN, SOFTNESS = 0.4, 0.05  # probabilities


class ClassWordEmbeddings(nn.Module):
    """class_logits [B, T, N, K] -> [B, T, 1 + M, D]."""

    def __init__(self, num_classes: int, dim: int, local_gate: float = 0.5) -> None:
        super().__init__()
        self.words = nn.Embedding(num_classes, dim)
        self.gate = nn.Parameter(
            torch.tensor([1.0, local_gate])
        )  # of the whole picture, of a square

    def forward(self, class_logits: Tensor, grid: tuple[int, int], factor: int) -> Tensor:
        K = class_logits.shape[-1]
        whole = class_logits.mean(dim=2, keepdim=True)  # [B, T, 1, K]
        squares = pixel_shuffle(class_logits, grid, factor)
        squares = squares.unflatten(-1, (factor * factor, K)).mean(dim=-2)  # [B, T, M, K]
        logits = torch.cat([whole, squares], dim=2).float()
        words = F.softmax(logits, dim=-1).to(self.words.weight.dtype) @ self.words.weight
        return torch.cat([self.gate[0] * words[:, :, :1], self.gate[1] * words[:, :, 1:]], dim=2)

    def uncertainty(self, class_logits: Tensor) -> Tensor:
        """class_logits [B, T, N, K] -> [B, T, 1, 1], from 1 down to 0 where a class is certain."""
        sure = F.softmax(class_logits.mean(dim=2).float(), dim=-1).amax(dim=-1)  # [B, T]
        return torch.sigmoid((CERTAIN - sure) / SOFTNESS)[:, :, None, None]
