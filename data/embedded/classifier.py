"""What a frozen classifier would say of a picture that nobody has: simulated per-patch logits.

A classifier knows a thousand kinds of things; photographs of them all are not at hand. To teach the
language model to read what the classifier says, its outputs are simulated: the similarity of the
classes' weight vectors says what is mistaken for what, a blob says where the thing stands, other
classes make the background. Sizes follow what EfficientNet-Lite2 gives on photographs: logits over
the whole picture spread by about 1 with a top of 5 to 11, those of single patches by about 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from data.embedded.simulation import Simulated
from data.records import Concept
from data.synthetic.drawing.assets import load_assets, load_background
from vlm.classifier_words import LOGITS, class_words
from vlm.media.squares import resize_frames
from vlm.model import PVCForConditionalGeneration


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

    @classmethod
    def of_model(cls, model: PVCForConditionalGeneration) -> "SimulatedClassifier | None":
        """In place of the model's own classifier; None if it has no words for the classes."""
        if class_words(model) is None:
            return None
        weight = model.tower.get_parameter("backbone.classifier.weight")
        return cls.of(weight, model.config.grid)

    def simulate(self, part: Concept, size: int) -> Simulated:
        """A backdrop, and logits in place of those the classifier would give for it."""
        logits = self.logits(part.index, part.confidence, part.seed)
        return Simulated(backdrop(part.seed, size, _backgrounds()), {LOGITS: logits})

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


@cache
def _backgrounds() -> Sequence[str]:
    return load_assets().backgrounds


def backdrop(seed: int, size: int, backgrounds: Sequence[str]) -> np.ndarray:
    """What is seen in place of a picture that nobody has: uint8 [S, S, 3].

    Mostly a piece of a photograph, so that the tower learns to say nothing of its own where the
    classifier speaks; on soft colors alone it would learn that of soft colors only.
    """
    rng = np.random.default_rng(seed)
    if not backgrounds or rng.random() < 0.2:
        return _soft_colors(rng, size)
    picture = np.asarray(load_background(backgrounds[int(rng.integers(len(backgrounds)))]))
    side = int(min(picture.shape[:2]) * rng.uniform(0.15, 0.9))
    top, left = (int(rng.integers(whole - side + 1)) for whole in picture.shape[:2])
    piece = picture[top : top + side, left : left + side, :: int(rng.choice((-1, 1)))]
    piece = resize_frames(piece[None], size)[0]
    if rng.random() < 0.5:  # patches in another order: edges and corners where none were
        step = size // int(rng.choice((2, 4)))
        rows = np.split(piece, size // step)
        patches = [patch for row in rows for patch in np.split(row, size // step, axis=1)]
        patches = [patches[i] for i in rng.permutation(len(patches))]
        across = size // step
        piece = np.vstack(
            [np.hstack(patches[i : i + across]) for i in range(0, len(patches), across)]
        )
    tint = rng.uniform(0.7, 1.3, 3) * rng.uniform(0.7, 1.3)
    return np.clip(piece * tint, 0, 255).astype(np.uint8)


def _soft_colors(rng: np.random.Generator, size: int) -> np.ndarray:
    """Soft random colors with some grain: uint8 [S, S, 3]."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, *rng.integers(2, 12, 2))))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
    grain = rng.normal(0, rng.uniform(0, 20), (size, size, 1))
    return np.clip(smooth.permute(1, 2, 0).numpy() + grain, 0, 255).astype(np.uint8)
