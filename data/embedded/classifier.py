"""Simulates the per-patch logits of a frozen classifier for pictures that do not exist.

A classifier knows a thousand classes, and photographs of all of them are not available. To teach
the language model to read the classifier's outputs, they are simulated: the similarity of the
classes' weight vectors determines which classes are confused, a blob gives the position of the
object, other classes form the background. The magnitudes follow EfficientNet-Lite2 on photographs:
mean logits over the picture spread by about 1 with a maximum of 5 to 11, those of single patches by
about 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from data.records import SimulatedClassification
from data.samples.dataset import SimulatedPicture
from data.synthetic.drawing.assets import load_assets, load_background
from vlm.classifier_words import LOGITS, class_words
from vlm.media.squares import resize_frames
from vlm.model import PVCForConditionalGeneration


@dataclass(frozen=True)
class SimulatedClassifier:
    """Draws logits [H*W, K] for a picture of a class."""

    similarity: np.ndarray  # [K, K] cosines of the centered weight vectors
    grid: tuple[int, int]

    @classmethod
    def of(cls, weight: Tensor, grid: tuple[int, int]) -> "SimulatedClassifier":
        """Builds it from the weight [K, C] of the classifier's linear layer."""
        centered = weight.detach().float() - weight.detach().float().mean(dim=0)
        directions = torch.nn.functional.normalize(centered, dim=1)
        return cls((directions @ directions.T).numpy(), grid)

    @classmethod
    def of_model(cls, model: PVCForConditionalGeneration) -> "SimulatedClassifier | None":
        """Builds it from the model's classifier; None if the model has no class words."""
        if class_words(model) is None:
            return None
        weight = model.tower.get_parameter("backbone.classifier.weight")
        return cls.of(weight, model.config.grid)

    def simulate(self, part: SimulatedClassification, size: int) -> SimulatedPicture:
        """Makes a backdrop and the logits that replace those of the classifier."""
        logits = self.logits(part.index, part.confidence, part.seed)
        return SimulatedPicture(backdrop(part.seed, size, _backgrounds()), {LOGITS: logits})

    def logits(self, target: int, confidence: float, seed: int) -> np.ndarray:
        """Draws [H*W, K]; the softmax of the mean over patches gives `target` this probability."""
        rng = np.random.default_rng((seed, target))
        K = len(self.similarity)
        H, W = self.grid
        out = np.zeros((H * W, K), dtype=np.float32)
        for _ in range(3):  # the background: three blobs of other classes
            other = rng.integers(K)
            blob = self._blob(rng, rng.uniform(0.08, 0.3))
            out += rng.uniform(0.5, 2.5) * blob[:, None] * self.similarity[other]
        out += rng.normal(0, 0.5, K).astype(np.float32)
        out += rng.normal(0, 1.2, out.shape).astype(np.float32)
        blob = self._blob(rng, rng.uniform(0.12, 0.4))
        looks_like = self.similarity[target].copy()
        for other in rng.choice(np.argsort(-looks_like)[1:9], 2, replace=False):  # similar classes
            looks_like += rng.uniform(0, 0.5) * self.similarity[other]
        strength = self._strength(out.mean(axis=0), looks_like, target, confidence)
        return out + strength * blob[:, None] * looks_like

    def _blob(self, rng: np.random.Generator, radius: float) -> np.ndarray:
        """Draws a soft ellipse [H*W] with mean 1, more often near the center."""
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
        """Finds by bisection the scale at which softmax gives the class this probability."""
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
    """Draws the pixels of a simulated picture: uint8 [S, S, 3].

    Usually a crop of a photograph, so that the tower learns to add nothing of its own to the
    classifier's output; from soft colors alone it would learn that for soft colors only.
    """
    rng = np.random.default_rng(seed)
    if not backgrounds or rng.random() < 0.2:
        return _soft_colors(rng, size)
    picture = np.asarray(load_background(backgrounds[int(rng.integers(len(backgrounds)))]))
    side = int(min(picture.shape[:2]) * rng.uniform(0.15, 0.9))
    top, left = (int(rng.integers(whole - side + 1)) for whole in picture.shape[:2])
    piece = picture[top : top + side, left : left + side, :: int(rng.choice((-1, 1)))]
    piece = resize_frames(piece[None], size)[0]
    if rng.random() < 0.5:  # shuffle patches, which adds edges and corners
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
    """Draws soft random colors with some grain: uint8 [S, S, 3]."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, *rng.integers(2, 12, 2))))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")[0]
    grain = rng.normal(0, rng.uniform(0, 20), (size, size, 1))
    return np.clip(smooth.permute(1, 2, 0).numpy() + grain, 0, 255).astype(np.uint8)
