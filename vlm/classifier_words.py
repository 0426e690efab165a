"""Words for what a frozen classifier already knows: class probabilities become word embeddings.

A classifier trained on a million photographs knows names that no small set of our own pictures
can teach. To carry this knowledge into words, each visual token v becomes

    uncertainty * v + gate * softmax(logits) @ E,    E[k] = mean embedding of the words of class k.

The logits of a square are the mean over its patches, those of the global token the mean over the
picture (the classifier is linear, so this is its answer for the whole picture). Ours; PVC has no
such path, and only the embedded model uses it.

The uncertainty silences the compressor where the classifier is sure of a frame: the compressor
learns from drawn scenes, and would name a photograph as one of those. In most drawn scenes the
classifier stays below CERTAIN, in most photographs of one thing above.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.compressor import pixel_shuffle
from vlm.config import PVCConfig
from vlm.encoders.base import VideoFeatures

CERTAIN, SOFTNESS = 0.4, 0.05  # probabilities
LOGITS = "class_logits"  # of VideoFeatures.extra: [B, T, N, K]


class ClassWordEmbeddings(nn.Module):
    """The stage `concepts` of the projector: tokens [B, T, 1 + M, D] -> the same shape."""

    def __init__(self, num_classes: int, dim: int, local_gate: float = 0.5) -> None:
        super().__init__()
        self.words = nn.Embedding(num_classes, dim)
        self.gate = nn.Parameter(torch.tensor([1.0, local_gate]))  # of the picture, of a square

    @classmethod
    def from_config(cls, config: PVCConfig) -> "ClassWordEmbeddings":
        return cls(config.tower_config.backbone.num_classes, config.text_width)

    def forward(self, tokens: Tensor, features: VideoFeatures, factor: int) -> Tensor:
        """`factor` is the compressor's: squares of factor x factor patches become one token."""
        logits = features.extra[LOGITS]
        words = self.class_words(logits, features.grid, factor)
        return (self.uncertainty(logits) * tokens + words).to(tokens.dtype)

    def class_words(self, logits: Tensor, grid: tuple[int, int], factor: int) -> Tensor:
        """[B, T, N, K] -> [B, T, 1 + M, D], the picture's first, then the squares'."""
        K = logits.shape[-1]
        whole = logits.mean(dim=2, keepdim=True)  # [B, T, 1, K]
        squares = pixel_shuffle(logits, grid, factor)
        squares = squares.unflatten(-1, (factor * factor, K)).mean(dim=-2)  # [B, T, M, K]
        logits = torch.cat([whole, squares], dim=2).float()
        words = F.softmax(logits, dim=-1).to(self.words.weight.dtype) @ self.words.weight
        return torch.cat([self.gate[0] * words[:, :, :1], self.gate[1] * words[:, :, 1:]], dim=2)

    def uncertainty(self, logits: Tensor) -> Tensor:
        """[B, T, N, K] -> [B, T, 1, 1], from 1 down to 0 where a class is certain."""
        sure = F.softmax(logits.mean(dim=2).float(), dim=-1).amax(dim=-1)  # [B, T]
        return torch.sigmoid((CERTAIN - sure) / SOFTNESS)[:, :, None, None]


def class_words(model: nn.Module) -> ClassWordEmbeddings | None:
    """Returns the stage of a model, None if it has no such stage."""
    stage = getattr(model, "concepts", None)
    return stage if isinstance(stage, ClassWordEmbeddings) else None
