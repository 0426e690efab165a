"""The loss of each sample of a task; the run adds up the tasks' means without weights.

sigmoid   -log sigmoid(y logit), y = +1 or -1 (SigLIP, arXiv 2303.15343)
            recognition    over all classes, added up
            retrieval      over all sentences of the micro-batch, added up
            localization   over all classes, added up, mean over frames
            grounding      over frames, added up
nce       cross-entropy over the classes or sentences of the micro-batch (Efficient-Prompt)
            localization   mean over the actions of a film, and the proposals' three scores
masks     cross-entropy over the texts at each foreground pixel, mean over these
          (StreamFormer), plus the mean over background pixels times a weight
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vlm.heads.localization import LocalizationHead, proposal_targets, spans_of
from vlm.heads.segmentation import upsampled
from vlm.heads.video_text import MASKS


def sigmoid_losses(logits: Tensor, truth: Tensor) -> Tensor:
    """Logits and truth (0 or 1) of any shape -> losses of that shape."""
    return F.softplus(logits * (1 - 2 * truth))


def one_of(logits: Tensor, right: Tensor, loss: str) -> Tensor:
    """Logits [B, K] and the right one of each [B] -> losses [B]."""
    if loss == "nce":
        return F.cross_entropy(logits, right, reduction="none")
    truth = F.one_hot(right, logits.shape[-1]).to(logits)
    return sigmoid_losses(logits, truth).sum(dim=-1)


def task_losses(
    outputs: Any, batch: dict[str, Any], loss: str, background_weight: float, head: Any
) -> Tensor:
    """Returns the losses [B] of a micro-batch; `outputs` are those of `VideoText`."""
    task = batch["task"]
    if task == "recognition":
        return one_of(outputs.float(), batch["target"], loss)
    if task == "retrieval":
        return one_of(outputs.float(), batch["own"], loss)
    if task == "grounding":
        return sigmoid_losses(outputs.float(), batch["inside"]).sum(dim=-1)
    if task in MASKS:
        return mask_losses(outputs.float(), batch["mask"], background_weight)
    if loss == "nce":
        return two_stage_losses(outputs, batch["inside"], head)
    return sigmoid_losses(outputs.float(), batch["inside"]).sum(dim=-1).mean(dim=-1)


def mask_losses(logits: Tensor, mask: Tensor, background_weight: float) -> Tensor:
    """Logits of patches [B, T, K (+ 1), H, W] and texts of pixels [B, T, S, S] -> losses [B].

    With a weight of the background, its logit is the last. Foreground and background are two means:
    a pixel of something small weighs more than one around it, so that it is found before its border
    is exact.
    """
    large = upsampled(logits, *mask.shape[-2:]).transpose(1, 2)  # [B, K, T, S, S]
    inside = mask >= 0
    last = large.shape[1] - 1
    target = torch.where(inside, mask, last if background_weight else 0)
    losses = F.cross_entropy(large, target, reduction="none")
    found = _mean(losses, inside)
    if background_weight:
        found = found + background_weight * _mean(losses, ~inside)
    return found


def _mean(losses: Tensor, chosen: Tensor) -> Tensor:
    """Returns the mean of each sample over the chosen places; 0 if there are none."""
    axes = tuple(range(1, losses.ndim))
    return (losses * chosen).sum(dim=axes) / chosen.sum(dim=axes).clamp(min=1)


def two_stage_losses(outputs: Any, inside: Tensor, head: LocalizationHead) -> Tensor:
    """Frames' features, classes and proposals, and the truth [B, T, K] -> losses [B].

    Start and end are rare: both sides of each of the three scores weigh the same.
    """
    frames, classes, proposals = outputs
    truth = proposal_targets(inside)  # [B, T, 3]
    each = F.binary_cross_entropy_with_logits(proposals.float(), truth, reduction="none")
    sides = [(each * side).sum(dim=1) / side.sum(dim=1).clamp(min=1) for side in (truth, 1 - truth)]
    losses = (sides[0] + sides[1]).sum(dim=-1) / 2
    named = [_named(f, t, classes, head) for f, t in zip(frames, inside, strict=True)]
    return losses + torch.stack(named)


def _named(frames: Tensor, inside: Tensor, classes: Tensor, head: LocalizationHead) -> Tensor:
    """Cross-entropy of the actions of one film; 0 if it has none."""
    spans = spans_of(inside)
    if not spans:
        return frames.sum() * 0
    logits = head.inside(frames, [(a, b) for a, b, _ in spans], classes)
    return F.cross_entropy(logits, torch.tensor([k for _, _, k in spans], device=frames.device))
