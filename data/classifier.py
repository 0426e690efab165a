"""What a frozen classifier would say of a picture that nobody has: simulated per-patch logits.

A classifier knows a thousand kinds of things; photographs of them all are not at hand. To teach the
language model to read what the classifier says, its outputs are simulated: the similarity of the
classes' weight vectors says what is mistaken for what, a blob says where the thing stands, other
classes make the background. Sizes follow what EfficientNet-Lite2 gives on photographs: logits over
the whole picture spread by about 1 with a top of 5 to 11, those of single patches by about 2.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class SimulatedClassifier:
    """Draws logits [H*W, K] of a picture of a class."""

    similarity: np.ndarray  # [K, K] cosine of the centred weight vectors
    grid: tuple[int, int]

    @classmethod
    def of(cls, weight: Tensor, grid: tuple[int, int]) -> "SimulatedClassifier":
        """weight [K, C] of the classifier's linear layer."""
        centred = weight.detach().float() - weight.detach().float().mean(dim=0)
        directions = torch.nn.functional.normalize(centred, dim=1)
        return cls((directions @ directions.T).numpy(), grid)

    def logits(self, target: int, confidence: float, seed: int) -> np.ndarray:
        """[H*W, K], such that the mean over the patches gives `target` this probability."""
        rng = np.random.default_rng((seed, target))
        K = len(self.similarity)
        H, W = self.grid
        out = np.zeros((H * W, K), dtype=np.float32)
        for _ in range(3):  # what else there is: a corner of this, a patch of that
            other = rng.integers(K)
            blob = self._blob(rng, rng.uniform(0.08, 0.3))
            out += rng.uniform(0.5, 2.5) * blob[:, None] * self.similarity[other]
        out += rng.normal(0, 0.5, K).astype(np.float32)
        out += rng.normal(0, 1.2, out.shape).astype(np.float32)
        blob = self._blob(rng, rng.uniform(0.12, 0.4))
        looks_like = self.similarity[target].copy()
        for other in rng.choice(np.argsort(-looks_like)[1:9], 2, replace=False):  # its likes
            looks_like += rng.uniform(0, 0.5) * self.similarity[other]
        strength = self._strength(out.mean(axis=0), looks_like, target, confidence)
        return out + strength * blob[:, None] * looks_like

    def _blob(self, rng: np.random.Generator, radius: float) -> np.ndarray:
        """[H*W] of mean 1: a soft ellipse somewhere in the picture, nearer to its middle."""
        H, W = self.grid
        y, x = np.meshgrid((np.arange(H) + 0.5) / H, (np.arange(W) + 0.5) / W, indexing="ij")
        cy, cx = np.clip(rng.normal(0.5, 0.15, 2), 0.15, 0.85)
        ry, rx = radius * rng.uniform(0.7, 1.4, 2)
        blob = np.exp(-(((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2) / 2).reshape(-1)
        return (blob / blob.mean()).astype(np.float32)

    @staticmethod
    def _strength(
        rest: np.ndarray, looks_like: np.ndarray, target: int, confidence: float
    ) -> float:
        """How strongly the class must speak for softmax to give it this probability."""
        low, high = 0.0, 40.0
        for _ in range(20):
            middle = (low + high) / 2
            logits = rest + middle * looks_like
            share = np.exp(logits - logits.max())
            if share[target] / share.sum() < confidence:
                low = middle
            else:
                high = middle
        return high
