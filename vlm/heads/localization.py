"""Temporal action localization: which action happens when, in a whole film.

    per frame     every frame's feature against every class; background has none (StreamFormer)
    two stages    class-agnostic proposals, then the mean feature of a proposal against the classes
                  (Efficient-Prompt); with learned vectors the classes may be unseen ones

Efficient-Prompt's proposal network is not public. `Proposals` is of the kind that its paper
describes in words: three scores of each frame, and proposals from a likely start to a likely end
with action in between.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vlm.heads.alignment import Alignment, Loss
from vlm.heads.segments import ScoredSegment, suppressed

MOST_CANDIDATES = 64  # likely starts and ends each


class LocalizationHead(nn.Module):
    """Frames [B, T, P] and K classes -> logits [B, T, K]; with "nce", proposals too."""

    def __init__(self, loss: Loss, dim: int) -> None:
        super().__init__()
        self.align = Alignment(loss)
        self.proposals = Proposals(dim) if loss == "nce" else None

    def forward(self, frames: Tensor, classes: Tensor) -> Tensor:
        """Unit features of frames and of classes."""
        return self.align(frames, classes)

    def scores(self, frames: Tensor, classes: Tensor) -> Tensor:
        """Probabilities [B, T, K], each 0 to 1; background frames have none above."""
        shares = self.align.probabilities(self.align(frames, classes))
        if self.proposals is None:
            return shares
        return shares * self.proposals(frames)[..., :1].sigmoid()

    def proposed(
        self, frames: Tensor, classes: Tensor
    ) -> list[tuple[int, int, NDArray[np.float64]]]:
        """Both stages over one film: frames [T, P] -> first, last + 1 and scores [K] of proposals.

        The score of a class is that of the proposal times the probability of the class within it.
        """
        assert self.proposals is not None, "a head with the sigmoid loss scores frames alone"
        logits = self.proposals(frames[None])[0]
        spans = proposed_spans(logits.sigmoid().double().cpu().numpy())
        inside = self.inside(frames, [(first, behind) for first, behind, _ in spans], classes)
        shares = self.align.probabilities(inside).double().cpu().numpy()
        return [
            (first, behind, score * share)
            for (first, behind, score), share in zip(spans, shares, strict=True)
        ]

    def inside(self, frames: Tensor, spans: Sequence[tuple[int, int]], classes: Tensor) -> Tensor:
        """Classifies parts of one film: frames [T, P], first and last + 1 of S parts -> [S, K]."""
        means = torch.stack([frames[first:behind].mean(dim=0) for first, behind in spans])
        return self.align(F.normalize(means, dim=-1), classes)


class Proposals(nn.Module):
    """Frames [B, T, P] -> logits [B, T, 3]: in an action, at its start, at its end."""

    def __init__(self, dim: int, hidden_dim: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(dim, hidden_dim, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(hidden_dim, hidden_dim, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(hidden_dim, 3, 1),
        )

    def forward(self, frames: Tensor) -> Tensor:
        return self.layers(frames.transpose(1, 2)).transpose(1, 2)


def proposal_targets(inside: Tensor) -> Tensor:
    """Whether each frame is in an action of each class [B, T, K] -> targets [B, T, 3].

    They are 1 in an action, at the first and at the last frame of one, of whichever class: where
    one action follows another at once, both borders count.
    """
    outside = F.pad(inside, (0, 0, 1, 1))
    first = inside * (1 - outside[:, :-2])
    last = inside * (1 - outside[:, 2:])
    return torch.stack([each.amax(dim=-1) for each in (inside, first, last)], dim=-1)


def proposed_spans(
    scores: NDArray[np.floating], overlap: float = 0.95, limit: int = 200
) -> list[tuple[int, int, float]]:
    """Scores [T, 3], 0 to 1 -> first frame, last + 1 and score of each proposal, the best first.

    A start and an end are peaks, or above half of the highest; the score of a pair is the product
    of both and of the mean actionness in between.
    """
    action, start, end = scores.T
    total = np.concatenate([[0.0], np.cumsum(action)])
    found = []
    for first in _candidates(start):
        for last in _candidates(end):
            if last >= first:
                mean = (total[last + 1] - total[first]) / (last + 1 - first)
                score = float(start[first] * end[last] * mean)
                found.append(ScoredSegment(float(first), float(last + 1), score))
    return [(int(s.start), int(s.end), s.score) for s in suppressed(found, overlap)[:limit]]


def _candidates(scores: NDArray[np.floating]) -> list[int]:
    around = np.concatenate([[-1.0], scores, [-1.0]])
    peaks = [t for t in range(len(scores)) if around[t + 1] >= max(around[t], around[t + 2])]
    high = np.flatnonzero(scores >= scores.max() / 2).tolist()
    found = sorted({*peaks, *high}, key=lambda t: -scores[t])
    return found[:MOST_CANDIDATES]


def spans_of(target: Tensor) -> list[tuple[int, int, int]]:
    """Truth [T, K] of one film -> first frame, last + 1 and class of every action in it."""
    found = []
    for label in range(target.shape[1]):
        on = [0, *(target[:, label] > 0.5).int().tolist(), 0]
        changes = [t for t, (a, b) in enumerate(pairwise(on)) if a != b]
        found += [(a, b, label) for a, b in zip(changes[::2], changes[1::2], strict=True)]
    return found
